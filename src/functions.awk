# What the C++ has to know of the functions that the rooms' .sql files create, written for it:
#   awk -v what=levels      the level beside each function, for mega_grant
#   awk -v what=arguments   the position of each argument by its name
BEGIN { if (what == "arguments") print "#pragma once\n\nnamespace mega::arguments {" }

/^-- level: / { level = $3 }

/^CREATE (FUNCTION|PROCEDURE) mega_/ {
    signature = ""
    name = $3
    sub(/\(.*/, "", name)
    if (what == "levels" && level != "")
        printf "{\"%s\", level::%s},\n", name, level
    sub(/^mega_/, "", name)
    reading = 1
}

reading {
    signature = signature " " $0
    if (signature !~ /(RETURNS|LANGUAGE|AS) /)
        next
    reading = 0
    level = ""
    sub(/^[^(]*\(/, "", signature)
    gsub(/'[^']*'|\(\)/, "", signature) # in defaults
    sub(/\).*/, "", signature)
    count = split(signature, parts, ",")
    names = ""
    position = 0
    for (i = 1; i <= count; ++i) {
        split(parts[i], words, " ")
        if (words[1] == "" || words[1] == "OUT")
            continue
        if (words[1] != "INOUT") # of a procedure: it is for what comes out
            names = names (names == "" ? "" : ", ") words[1] " = " position
        ++position
    }
    if (what == "arguments" && names != "")
        printf "struct %s {\n    static constexpr int %s;\n};\n", name, names
}

END { if (what == "arguments") print "} // namespace mega::arguments" }
