// The tasks of an agent by key, in little memory.

import Resources

/// A dictionary of task lives. A dictionary has room for up to twice as many values as it holds, and a life is large: here
/// a spare place is a pointer.
package struct TaskTable: Hashable, Sendable, Sequence {
    /// Each life as an array of one: outside of the dictionary, and copied only if it is changed while it is shared.
    private var places: [TaskKey: [TaskLife]] = [:]

    package var isEmpty: Bool { places.isEmpty }
    package var count: Int { places.count }
    package var keys: Dictionary<TaskKey, [TaskLife]>.Keys { places.keys }
    package var values: LazyMapSequence<Dictionary<TaskKey, [TaskLife]>.Values, TaskLife> {
        places.values.lazy.map { $0[0] }
    }

    package subscript(key: TaskKey) -> TaskLife? {
        get { places[key]?[0] }
        _modify {
            let index = places.index(forKey: key)
            // Taken out and put back: nobody else holds it, so that it is changed and not copied.
            var life = index.map { places.values[$0].removeLast() }
            defer {
                if let index, let life {
                    places.values[index].append(life)
                } else {
                    places[key] = life.map { [$0] }
                }
            }
            yield &life
        }
    }

    func filter(_ isIncluded: (TaskLife) -> Bool) -> TaskTable {
        var table = TaskTable()
        table.places = places.filter { isIncluded($0.value[0]) }
        return table
    }

    mutating func removeValue(forKey key: TaskKey) -> TaskLife? { places.removeValue(forKey: key)?[0] }

    package func makeIterator() -> AnyIterator<(key: TaskKey, value: TaskLife)> {
        var rest = places.makeIterator()
        return AnyIterator { rest.next().map { (key: $0.key, value: $0.value[0]) } }
    }
}
