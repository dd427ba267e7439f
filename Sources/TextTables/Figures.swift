// Numbers as people read them: decimals, memory, spans of time.

/// Numbers for people.
public enum Figures {
    /// `0.25`, `4`, `12.5`: at most so many decimals, without trailing zeros.
    public static func decimal(_ value: Double, _ places: Int = 2) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        let factor = (0..<places).reduce(1.0) { product, _ in product * 10 }
        let scaled = Int64((abs(value) * factor).rounded())
        let whole = scaled / Int64(factor)
        var fraction = String(scaled % Int64(factor) + Int64(factor)).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        let sign = value < 0 && scaled != 0 ? "-" : ""
        return fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
    }

    /// `512 MiB`, `1.5 GiB`.
    public static func memory(_ mebibytes: Double) -> String {
        mebibytes >= 1_024 ? "\(decimal(mebibytes / 1_024, 1)) GiB" : "\(decimal(mebibytes, 0)) MiB"
    }

    /// `0.3 s`, `42 s`, `3m 05s`, `2h 10m`, `3d 4h`.
    public static func span(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "-" }
        let seconds = max(seconds, 0)
        if seconds < 10 { return "\(decimal(seconds, 1)) s" }
        let whole = Int(min(seconds, 1e12).rounded())
        if whole < 60 { return "\(whole) s" }
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        if whole < 3_600 { return "\(whole / 60)m \(two(whole % 60))s" }
        if whole < 86_400 { return "\(whole / 3_600)h \(two(whole % 3_600 / 60))m" }
        return "\(whole / 86_400)d \(whole % 86_400 / 3_600)h"
    }
}

extension Figures {
    /// `25 %`, `3.5 %`: of a fraction between 0 and 1.
    public static func percent(_ fraction: Double) -> String { "\(decimal(fraction * 100, 1)) %" }

    /// `2026-11-26 09:08:04Z`: a wall-clock time in UTC.
    ///
    /// - Parameter seconds: Since the Unix epoch.
    public static func time(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 253_402_300_800 else { return "-" }
        let whole = Int(seconds)
        let (days, rest) = (whole / 86_400, whole % 86_400)
        // Days since 1 March of year 0 in eras of 400 years, so that the leap day comes last in a year.
        let shifted = days + 719_468
        let (era, day) = (shifted / 146_097, shifted % 146_097)
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let calendarYear = year + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(rest / 3_600)):\(two(rest % 3_600 / 60)):\(two(rest % 60))Z"
        return "\(calendarYear)-\(two(calendarMonth))-\(two(dayOfMonth)) \(clock)"
    }
}
