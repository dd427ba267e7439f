# Turns the help text of a command into a manual page. Variables: page (mini-agent), section (8), date, version, see.
# The text has an overview, paragraphs, a line of usage, perhaps more paragraphs, and sections of entries that are indented
# by two columns, with what they do from column 27 on.
function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/) text = "\\&" text
    return text
}
function heading(title) { print ".SH \"" roff(title) "\"" }
function describe(text) { description[++described] = text }
function flush(i, was_blank) {
    if (flushed++) return
    heading("SYNOPSIS")
    print "\\fB" roff(usage) "\\fR"
    heading("DESCRIPTION")
    for (i = 1; i <= described; i++) {
        if (description[i] == "") { if (!was_blank && i < described) print ".PP" } else print roff(description[i])
        was_blank = description[i] == ""
    }
}
# What is typed ends at two blanks, or just before column 27, or with the line.
function entry(line, at) {
    print ".TP"
    if (length(line) > 26 && substr(line, 26, 1) == " " && substr(line, 3, 23) !~ /<[^>]*$/) at = 26
    else if (match(substr(line, 3), /  +/)) at = RSTART + 2
    if (!at) { print "\\fB" roff(substr(line, 3)) "\\fR"; return }
    name = substr(line, 3, at - 3)
    text = substr(line, at)
    sub(/ +$/, "", name)
    sub(/^ +/, "", text)
    print "\\fB" roff(name) "\\fR"
    print roff(text)
}
/^OVERVIEW: / && !part {
    overview = substr($0, 11)
    while ((getline line) > 0 && line != "") overview = overview " " line
    name = overview
    sub(/[.:;] .*$/, "", name)
    sub(/\.$/, "", name)
    printf ".TH %s %s \"%s\" \"mini\\-mesos %s\" \"mini\\-mesos\"\n", toupper(roff(page)), section, date, version
    print ".ad l"
    heading("NAME")
    print roff(page) " \\- " roff(tolower(substr(name, 1, 1)) substr(name, 2))
    describe(overview)
    describe("")
    part = "overview"
    next
}
/^USAGE: / { usage = substr($0, 8); part = "usage"; next }
/^[A-Z][A-Z ,']*:$/ && (part == "usage" || part == "after" || part == "entries") {
    flush()
    heading(substr($0, 1, length($0) - 1))
    part = "entries"
    next
}
part == "usage" && /^ / { usage = usage $0; next }
part == "usage" && $0 == "" { part = "after"; describe(""); next }
part == "overview" || part == "after" { describe($0); next }
part == "entries" && /^  See '/ { print ".PP"; sub(/^ +/, ""); print roff($0); next }
part == "entries" && /^  [^ ]/ { entry($0); next }
part == "entries" && /[^ ]/ { sub(/^ +/, ""); print roff($0) }
END {
    flush()
    heading("SEE ALSO")
    print roff(see)
}
