// `/masters`: the members of the election as this master sees them. Not part of Apache Mesos, whose masters tell of the
// leader only.
import HTTPServer
import MesosProtocol
import Resources

extension MasterAPI {
    /// Any master answers: who asks wants to know where else to ask.
    func masters(_ request: RoutedRequest) async -> HTTPResponse {
        guard let snapshot = await shell.snapshot() else { return Self.stopping }
        var json = JSONWriter()
        json.masters(snapshot.core)
        return request.json(json.bytes)
    }
}

extension JSONWriter {
    fileprivate mutating func masters(_ core: MasterCore) {
        object { json in
            if let quorum = core.settings.quorum { json.member("quorum", quorum) }
            if let elected = core.cluster?.electedAt { json.member("elected_time", elected.seconds) }
            switch core.availability {
            case .leading: json.member("availability", "leading")
            case .recovering: json.member("availability", "recovering")
            case .following: json.member("availability", "following")
            case .unavailable(let reason):
                json.member("availability", "no leader")
                json.member("reason", reason)
            }
            json.array("masters") { json in
                for member in core.leadership.group { json.master(member) }
            }
        }
    }

    private mutating func master(_ member: Leadership.GroupMember) {
        object { json in
            json.member("member", member.name)
            json.member("leader", member.isLeader)
            json.member("self", member.isSelf)
            guard let info = member.info else { return }
            json.member("id", info.id)
            json.member("pid", info.pid)
            json.member("hostname", info.hostname)
            json.member("ip", info.address.ip)
            json.member("port", Int(info.port))
            json.member("foreign", member.isForeign)
        }
    }
}
