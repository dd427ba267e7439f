// Quantities of the four resources that every table shows.

import MesosProtocol
import Resources
import TextTables

/// Sums over reservations and volumes. Memory and disk in MiB.
public struct Amounts: Codable, Hashable, Sendable {
    public var cpus = 0.0
    public var gpus = 0.0
    public var mem = 0.0
    public var disk = 0.0

    public init(cpus: Double = 0, gpus: Double = 0, mem: Double = 0, disk: Double = 0) {
        self.cpus = cpus
        self.gpus = gpus
        self.mem = mem
        self.disk = disk
    }

    public init(_ resources: Resources) {
        cpus = resources["cpus"].doubleValue
        gpus = resources["gpus"].doubleValue
        mem = resources["mem"].doubleValue
        disk = resources["disk"].doubleValue
    }

    /// As `/roles` and the like have them; what is missing is zero.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        cpus = try values.decodeIfPresent(Double.self, forKey: .cpus) ?? 0
        gpus = try values.decodeIfPresent(Double.self, forKey: .gpus) ?? 0
        mem = try values.decodeIfPresent(Double.self, forKey: .mem) ?? 0
        disk = try values.decodeIfPresent(Double.self, forKey: .disk) ?? 0
    }

    public static func + (left: Amounts, right: Amounts) -> Amounts {
        Amounts(
            cpus: left.cpus + right.cpus, gpus: left.gpus + right.gpus, mem: left.mem + right.mem,
            disk: left.disk + right.disk)
    }

    public static func - (left: Amounts, right: Amounts) -> Amounts {
        Amounts(
            cpus: left.cpus - right.cpus, gpus: left.gpus - right.gpus, mem: left.mem - right.mem,
            disk: left.disk - right.disk)
    }

    /// The largest fraction of any one resource that this is of `total`, between 0 and 1 for what is held of a cluster.
    public func dominantShare(of total: Amounts) -> Double {
        let parts = [(cpus, total.cpus), (gpus, total.gpus), (mem, total.mem), (disk, total.disk)]
        return parts.map { held, all in all > 0 ? held / all : 0 }.max() ?? 0
    }

    /// Processors, GPUs, memory, disk, as cells of a table.
    var cells: [String] {
        [Figures.decimal(cpus), Figures.decimal(gpus), Figures.memory(mem), Figures.memory(disk)]
    }

    /// `cpus 2, mem 512 MiB`: what there is any of.
    var words: String {
        let parts = [
            cpus == 0 ? nil : "cpus \(Figures.decimal(cpus))", gpus == 0 ? nil : "gpus \(Figures.decimal(gpus))",
            mem == 0 ? nil : "mem \(Figures.memory(mem))", disk == 0 ? nil : "disk \(Figures.memory(disk))",
        ].compactMap(\.self)
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}

extension Resources {
    /// - Throws: With the field's name if what is there are no resources.
    init(_ messages: [V1Resource], question: String, field: String) throws(AnswerError) {
        do throws(ResourceConversionError) { self = try Resources(messages) } catch {
            throw AnswerError(question: question, field: field, problem: "\(error)")
        }
    }
}

extension V1TimeInfo {
    /// Since the Unix epoch.
    var seconds: Double { Double(nanoseconds) / 1e9 }
}
