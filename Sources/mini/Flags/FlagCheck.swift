// Checks that several commands make of a flag's value.

import Resources
import ZooKeeper

enum FlagCheck {
    static func port(_ value: Int, _ flag: String) throws -> Int {
        guard (0...65_535).contains(value) else {
            throw CommandFailure(description: "\(flag): expected a port from 0 to 65535, found \(value)")
        }
        return value
    }

    @discardableResult
    static func zooKeeper(_ text: String, _ flag: String) throws -> ZooKeeperURL {
        do { return try ZooKeeperURL.parse(text) } catch { throw CommandFailure(description: "\(flag): \(error)") }
    }

    static func role(_ text: String, _ flag: String) throws -> RoleName {
        do { return try RoleName(text) } catch { throw CommandFailure(description: "\(flag): \(error)") }
    }
}
