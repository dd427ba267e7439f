// What a daemon holds in memory beyond what it needs, and how it is given back.
import CLinux

/// The process's heap. A server takes in large requests, keeps little of them, and its threads each have a heap of their own
/// unless told otherwise: after a rush, most of what a process seems to hold is free.
public enum HeapLimits {
    /// Call once, at the start of a daemon.
    public static func apply() { clinux_keep_heap_small() }

    /// Gives free memory back to the system if there is more than this of it.
    ///
    /// - Returns: Whether there was.
    @discardableResult
    public static func trim(freeBytesMax: Int) -> Bool { clinux_trim_heap(freeBytesMax) }
}

/// The pages of the program and its libraries. Most of what an idle daemon holds is code that only its start, or a request
/// of an hour ago, has used.
public enum ProgramPages {
    /// Usual time between two times of giving back: a page that is used again costs a microsecond.
    public static let interval = Duration.seconds(60)

    /// Lets go of the code that is mapped; what is used comes back from the page cache.
    public static func giveBack() { clinux_give_back_program() }

    /// Gives back ten seconds after the start, and then again and again, until cancelled.
    public static func giveBackRegularly(every interval: Duration = interval) async {
        var pause = Duration.seconds(10)
        while (try? await Task.sleep(for: pause)) != nil {
            giveBack()
            pause = interval
        }
    }
}
