// A template's `sizing` and `autoSize`: agents whose size follows the build.
import Resources

enum SizingReader {
    static func sizing(_ template: inout ConfigurationSection) -> Sizing {
        var sizing = Sizing()
        sizing.automatic = template.choice("autoSize", Sizing.Automatic.self) ?? .off
        var section = template.section("sizing")
        sizing.cpusParameter = section.line("cpusParameter")
        sizing.memoryParameter = section.line("memMbParameter")
        sizing.diskParameter = section.line("diskMbParameter")
        sizing.imageParameter = section.line("imageParameter")
        sizing.cpusMin = section.scalar("minCpus", unit: "CPUs")
        sizing.cpusMax = section.scalar("maxCpus", unit: "CPUs")
        sizing.memoryMin = section.scalar("minMemMb", unit: "MiB")
        sizing.memoryMax = section.scalar("maxMemMb", unit: "MiB")
        sizing.diskMax = section.scalar("maxDiskMb", unit: "MiB")
        if let least = sizing.cpusMin, let most = sizing.cpusMax, least > most {
            section.fail("minCpus", "must not be above maxCpus (\(most))")
        }
        if let least = sizing.memoryMin, let most = sizing.memoryMax, least > most {
            section.fail("minMemMb", "must not be above maxMemMb (\(most))")
        }
        sizing.rules = section.sections("rules").compactMap(rule)
        section.finish()
        return sizing
    }

    private static func rule(_ section: ConfigurationSection) -> Sizing.Rule? {
        var section = section
        let text = section.requiredString("jobs")
        let cpus = section.scalar("cpus", unit: "CPUs")
        let memory = section.scalar("memMb", unit: "MiB")
        let disk = section.scalar("diskMb", unit: "MiB")
        let image = section.line("image")
        section.finish()
        guard let jobs = JobPattern(text) else {
            section.fail("jobs", "expected a regular expression for the job's full name, found '\(text)'")
            return nil
        }
        return Sizing.Rule(jobs: jobs, cpus: cpus, memory: memory, disk: disk, image: image)
    }
}
