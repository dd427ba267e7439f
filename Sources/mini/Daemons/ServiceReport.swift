// How a daemon keeps the service manager informed while it runs.

import Foundation
import JenkinsFramework
import MiniAgent
import MiniMaster
import Processes

extension ServiceManager {
    /// The service manager that started this process, if any; told that it starts. To be called before anything else, once.
    ///
    /// The variables that name it are taken out of the environment: neither tasks nor helpers are the service, and they must
    /// not speak for it.
    static func ofThisProcess() -> ServiceManager? {
        let environment = ProcessInfo.processInfo.environment
        for name in variables { unsetenv(name) }
        let manager = ServiceManager(environment: environment)
        manager?.report(Standing(isReady: false, status: "starts"))
        return manager
    }
}

extension ServiceManager.Standing {
    init(_ position: MasterPosition) { self.init(isReady: position.isMember, status: position.text) }
    init(_ position: AgentPosition) { self.init(isReady: position.isRegistered, status: position.text) }
    init(_ position: FrameworkPosition) { self.init(isReady: position.isInPlace, status: position.text) }
}
