// Switches for a person who looks at a failing seed.

import Foundation

enum Environment {
    static func has(_ name: String) -> Bool { ProcessInfo.processInfo.environment[name] != nil }
}
