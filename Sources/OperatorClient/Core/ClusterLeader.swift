// Who leads, since when, and who else stands ready.

import MesosProtocol
import TextTables

public struct ClusterLeader: Report, Hashable {
    public struct Member: Encodable, Hashable, Sendable {
        public var id: String
        public var hostname: String
        /// `host:port`
        public var address: String
        public var leads: Bool
    }

    public var url: String
    public var id: String
    public var hostname: String
    public var version: String
    /// Seconds since the Unix epoch.
    public var started: Double?
    public var elected: Double?
    /// How many masters must be there for one to lead; nil: it stands alone.
    public var quorum: Int?
    /// All members of the election; empty where the leader does not tell.
    public var members: [Member] = []

    /// - Parameter url: Where it answered.
    public init(_ answer: V1OperatorResponse.GetMaster, url: String) {
        self.url = url
        id = answer.masterInfo.id
        hostname = answer.masterInfo.hostname
        version = answer.masterInfo.version
        started = answer.hasStartTime ? answer.startTime : nil
        elected = answer.hasElectedTime ? answer.electedTime : nil
    }

    public func adding(_ masters: MastersAnswer) -> ClusterLeader {
        var result = self
        result.quorum = masters.quorum
        result.members = masters.masters.map { master in
            Member(
                id: master.id ?? "", hostname: master.hostname ?? "",
                address: master.pid?.split(separator: "@").last.map(String.init) ?? "", leads: master.leader)
        }
        return result
    }

    /// `since 2026-11-26 09:08:04Z (3m 05s)`
    func since(_ sheet: Sheet) -> String {
        guard let elected else { return "since when it does not tell" }
        return "since \(Figures.time(elected)) (\(Figures.span(sheet.now - elected)))"
    }

    public func text(_ sheet: Sheet) -> String {
        var lines = [
            "\(url) leads \(since(sheet))", "id \(DisplayWidth.escaped(id)), version \(DisplayWidth.escaped(version))",
        ]
        guard !members.isEmpty else { return lines.joined(separator: "\n") }
        let need = quorum.map { ", \($0) needed" } ?? ""
        lines.append("\(members.count) \(members.count == 1 ? "master" : "masters") in the election\(need)")
        var table = TextTable([
            .init("MASTER"), .init("HOST", mayShrink: true), .init("ROLE"),
            .init("ID", mayShrink: true, keepsEnd: true, dropOrder: 1),
        ])
        for member in members {
            table.add([
                Cell.of(member.address), Cell.of(member.hostname), member.leads ? "leader" : "standby", member.id,
            ])
        }
        return lines.joined(separator: "\n") + "\n" + table.text(width: sheet.width)
    }
}

/// A master's `/masters`, which Apache Mesos does not have.
public struct MastersAnswer: Decodable, Sendable {
    struct Master: Decodable, Sendable {
        var id: String?
        var pid: String?
        var hostname: String?
        var leader: Bool
    }
    var quorum: Int?
    var masters: [Master]
}
