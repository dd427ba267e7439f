// Who stands for election, for people to see.
import MesosProtocol

extension Leadership {
    /// One member of the election.
    package struct GroupMember: Equatable, Sendable {
        /// Its znode; empty for a master that stands alone.
        package var name: String
        /// What it says of itself. Nil: not read yet, or unreadable.
        package var info: V1MasterInfo?
        package var isLeader: Bool
        package var isSelf: Bool
        /// Of another product.
        package var isForeign: Bool
    }

    /// The members in the order in which they would lead. A master that is no member yet is not among them.
    package var group: [GroupMember] {
        if isStandalone {
            return [GroupMember(name: "", info: selfInfo, isLeader: isActing, isSelf: true, isForeign: false)]
        }
        let sorted = members ?? []
        let hasQuorum = sorted.count >= settings.quorum ?? 1
        return sorted.map { member in
            let isSelf = membership == .member(member)
            let document = documents[member]
            return GroupMember(
                name: member.name, info: isSelf ? selfInfo : document?.info,
                isLeader: isSelf ? isActing : member == sorted.first && hasQuorum && document != nil, isSelf: isSelf,
                isForeign: document?.isForeign ?? false)
        }
    }

    private var isActing: Bool {
        if case .leading = acting { true } else { false }
    }
}
