// What a master says about its own process: version, flags, the machine's load.
import Glibc
import MesosProtocol

enum ProcessDocuments {
    static func version(_ facts: MasterFacts) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("build_date", facts.build.date)
            json.member("build_time", facts.build.time)
            json.member("build_user", facts.build.user)
            json.member("mini_version", Versions.mini)
            json.member("version", Versions.mesosAPI)
        }
        return json.bytes
    }

    static func flags(_ facts: MasterFacts) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.object("flags") { json in
                for flag in facts.configuration.flags { json.member(flag.name, flag.value) }
            }
        }
        return json.bytes
    }

    static func systemStats() -> [UInt8] {
        let machine = MachineFigures.now()
        var json = JSONWriter()
        json.object { json in
            json.member("avg_load_15min", machine.load15)
            json.member("avg_load_1min", machine.load1)
            json.member("avg_load_5min", machine.load5)
            json.member("cpus_total", machine.cpus)
            json.member("mem_free_bytes", machine.memoryFreeBytes)
            json.member("mem_total_bytes", machine.memoryTotalBytes)
        }
        return json.bytes
    }
}

/// Load and memory of the machine.
struct MachineFigures {
    var load1 = 0.0
    var load5 = 0.0
    var load15 = 0.0
    var cpus = 0
    var memoryTotalBytes = 0
    var memoryFreeBytes = 0

    static func now() -> MachineFigures {
        var figures = MachineFigures()
        var loads = [0.0, 0.0, 0.0]
        if getloadavg(&loads, 3) == 3 {
            figures.load1 = loads[0]
            figures.load5 = loads[1]
            figures.load15 = loads[2]
        }
        let page = sysconf(Int32(_SC_PAGESIZE))
        figures.cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        figures.memoryTotalBytes = sysconf(Int32(_SC_PHYS_PAGES)) * page
        figures.memoryFreeBytes = sysconf(Int32(_SC_AVPHYS_PAGES)) * page
        return figures
    }
}
