// Switches for a person who looks at a failing seed.

import Foundation

enum Environment {
    static func value(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}
