# Prints the files and scripts of the library of the scripts among the files that are named: see embed.
#
# Each file that scripts include is a block, behind those that it includes itself; what others use of it is declared
# before. Lua has room for 200 names at a time. So a constant that is a number or a text is written where it is used,
# and what only one script includes, or only scripts that Redis refuses while its memory is full, stands in a block with
# those. A file sees more names than those of the files that it includes: that it uses no others is checked.

function refuse(why) {
	print why > "/dev/stderr"
	failed = 1
	exit 1
}

# ---- a line of Lua ----

# Splits it into texts, the comment, words, and what is between. is_name: which pieces may be names of variables.
function split_line(line, pieces, is_name, count) {
	while (match(line, /'([^'\\]|\\.)*'|"([^"\\]|\\.)*"|--.*|[A-Za-z0-9_]+/)) {
		pieces[++count] = substr(line, 1, RSTART - 1)
		is_name[count] = 0
		pieces[++count] = substr(line, RSTART, RLENGTH)
		is_name[count] = pieces[count] ~ /^[A-Za-z_]/ && pieces[count - 1] !~ /(^|[^.])[.:]$/
		line = substr(line, RSTART + RLENGTH)
	}
	pieces[++count] = line
	is_name[count] = 0
	return count
}

function names_of(line) {
	sub(/^local (function )?/, "", line)
	sub(/ *(--|=|\().*/, "", line)
	return line
}

# The value of a constant that is written where it is used; '' of any other line.
function value_of(line) {
	if (line !~ /^local [A-Z][A-Z0-9_]* = ([0-9.e]+|'[^'\\]*')( *--.*)?$/)
		return ""
	sub(/^[^=]*= /, "", line)
	match(line, /^([0-9.e]+|'[^']*')/)
	return substr(line, 1, RLENGTH)
}

# ---- reading ----

# The variables and parameters that a line declares: names of its own, whatever they mean elsewhere.
function note_own(name, line, found, words, count, i) {
	while (match(line, /(^|[^A-Za-z0-9_])(local|for|function)[A-Za-z0-9_., ]*(\([A-Za-z0-9_, .]*\))?/)) {
		found = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		sub(/ in .*/, "", found)
		count = split(found, words, /[^A-Za-z0-9_]+/)
		for (i = 1; i <= count; i++)
			owns[name, words[i]] = 1
	}
}

function note_line(name, line, pieces, is_name, count, i) {
	note_own(name, line)
	text[name, ++length_of[name]] = line
	if (value_of(line) != "")
		value[name, names_of(line)] = value_of(line)
	count = split_line(line, pieces, is_name)
	for (i = 1; i <= count; i++)
		if (is_name[i])
			uses[name, pieces[i]] = 1
}

function read_file(name, file, line, got, number) {
	if (name in is_read)
		return
	is_read[name] = 1
	file = folder name ".lua"
	while ((got = (getline line < file)) > 0) {
		if (++number == 1 && line ~ /^#!lua/)
			flags[name] = substr(line, index(line "=", "=") + 1)
		else if (line ~ /^--- @include /)
			includes[name] = includes[name] " " substr(line, 14)
		else if (line !~ /^[ \t]*(--.*)?$/) # a comment changes no name, and takes no memory of Redis
			note_line(name, line)
	}
	if (got < 0)
		refuse("there is no " file)
	close(file)
}

# What a file includes, by way of others too, in the order in which it is run.
function include(name, into, list, count, i) {
	if ((into, name) in has)
		return
	has[into, name] = 1
	read_file(name)
	count = split(includes[name], list, " ")
	for (i = 1; i <= count; i++)
		include(list[i], into)
	if (name != into)
		included[into] = included[into] " " name
}

# ---- what is refused ----

function note_all(set, file, names, list, i, count) {
	count = split(names, list, ", ")
	for (i = 1; i <= count; i++)
		set[file, list[i]] = 1
}

function check_line(file, line, names) {
	names = line
	sub(/ *(--|=|\().*/, "", names)
	sub(/^\t?(local )?(function )?/, "", names)
	if (line ~ /^[ \t]+[A-Z][A-Z0-9_]*(, [A-Z0-9_]+)* = / || line ~ /^[ \t]+[A-Z][A-Z0-9_]*(\[.*\]|\.[a-z_]+) = /)
		refuse(file ": a constant changes: " line)
	if (line ~ /^each_call\(function\(\)$/) {
		if (file in has_beginning)
			refuse(file ": a second each_call")
		has_beginning[file] = begins = 1
	} else if (line ~ /^local [a-z_]+ -- [a-z_]+\.lua$/)
		return # a function that another file defines, where that is included
	else if (line ~ /^local [a-z_]+(, [a-z_]+)*( +--.*)?$/)
		note_all(variables, file, names)
	else if (line ~ /^function [a-z_]+\(/ || begins && line ~ /^\t[a-z_]+(, [a-z_]+)* = /)
		note_all(given, file, names)
	else if (line ~ /^end\)$/)
		begins = 0
	else if (line ~ /^[^ \t]/ &&
		line !~ /^(end$|local function [a-z_]+\(|function [A-Z_]+\.[a-z_]+\(|[})\]]+$|end }$)/ &&
		line !~ /^local [A-Z][A-Z0-9_]*(, [A-Z][A-Z0-9_]*)* = / || line ~ /^local.*(KEYS|ARGV|redis\.)/)
		refuse(file ": what is of a call stands outside of each_call: " line)
}

# That each variable of the files of a script has a value in each call of it.
function check_values(script, pair, part) {
	for (pair in given) {
		split(pair, part, SUBSEP)
		if ((script, part[1]) in has)
			has_value[script, part[2]] = 1
	}
	for (pair in variables) {
		split(pair, part, SUBSEP)
		if ((script, part[1]) in has && !((script, part[2]) in has_value))
			refuse(script ": nothing in each_call gives a value to " part[2])
	}
}

# That a script, and what it includes, uses no name of another file: that has no value, or one of another call.
function check_uses(script, word, name) {
	for (word in shared_by)
		if (!((script, shared_by[word]) in has))
			for (name in is_read)
				if ((script, name) in has && (name, word) in uses && !((name, word) in owns))
					refuse(name ": uses " word " of " shared_by[word] ", which " script " does not include")
}

# ---- names ----

# Whether a file that includes this one uses a name of it.
function is_used(name, word, other) {
	for (other in is_read)
		if (other != name && (other, name) in has && (other, word) in uses)
			return 1
	return 0
}

# What other files use: of the names on one line all or none.
function note_shared(name, line, list, count, i, found) {
	if (line !~ /^local / || value_of(line) != "")
		return
	count = split(names_of(line), list, ", ")
	for (i = 1; i <= count; i++)
		found = found || is_used(name, list[i])
	for (i = 1; found && i <= count; i++) {
		if (list[i] in shared_by)
			refuse(name ": " list[i] " is a name of " shared_by[list[i]] " too")
		shared_by[list[i]] = name
	}
}

# ---- writing ----

# What stands for a word of a file: the value of a constant of it, or of a file that it includes.
function constant(name, word, list, count, i, found) {
	if ((name, word) in owns)
		return (name, word) in value ? value[name, word] : word
	count = split(included[name], list, " ")
	for (i = 1; i <= count; i++) {
		if (!((list[i], word) in value))
			continue
		if (found != "")
			refuse(name ": " word " is a constant of two files that it includes")
		found = value[list[i], word]
	}
	return found != "" ? found : word
}

function with_values(name, line, pieces, is_name, count, i, written) {
	count = split_line(line, pieces, is_name)
	for (i = 1; i <= count; i++)
		written = written (is_name[i] && pieces[i] ~ /^[A-Z]/ ? constant(name, pieces[i]) : pieces[i])
	return written
}

# The names that a file shares are declared before its block. Gives how many they are.
function print_file(name, i, line, names, first, shared, body, list) {
	for (i = 1; i <= length_of[name]; i++) {
		line = text[name, i]
		if (value_of(line) != "")
			continue
		sub(/^each_call\(/, "each_call('" name "', ", line)
		names = line ~ /^local / ? names_of(line) : ""
		split(names, first, ", ")
		if (names != "" && shared_by[first[1]] == name) {
			shared = shared (shared != "" ? ", " : "") names
			if (line !~ /^local function / && line !~ / = /)
				continue
			sub(/^local /, "", line)
		}
		body = body with_values(name, line) "\n"
	}
	printf "%sdo\n%send\n", shared != "" ? "local " shared "\n" : "", body
	return split(shared, list, ", ")
}

# The files of a block, where so many names are known already. Gives how many there are then.
function print_files(block, known, i) {
	for (i = 1; i <= file_count; i++)
		if (block_of[files[i]] == block)
			known += print_file(files[i])
	if (known > NAMES_MAX)
		refuse("the included files share " known " names, and Lua takes " NAMES_MAX ": make some members of a table")
	return known
}

function print_script(name, known, i, words) {
	print "do"
	print_files(name, known)
	words = flags[name]
	gsub(/[a-z-]+/, "'&'", words)
	printf "script('%s', { %s }, '%s', function()\n", name, words, substr(included[name], 2)
	for (i = 1; i <= length_of[name]; i++)
		if (value_of(text[name, i]) == "")
			print with_values(name, text[name, i])
	print "end)\nend"
}

function print_scripts(kind, known, i) {
	for (i = 1; i <= script_count; i++)
		if (kind_of(scripts[i]) == kind)
			print_script(scripts[i], known)
}

# ---- all files ----

# Whether Redis refuses it while its memory is full: it has no flags, as a script that adds has.
function kind_of(script) {
	return flags[script] == "" ? "adding" : "any"
}

# A file stands with the one script that includes it, or with the scripts of one kind, or before all.
function note_script(script, list, count, i, file) {
	scripts[++script_count] = script
	include(script, script)
	count = split(included[script], list, " ")
	for (i = 1; i <= count; i++) {
		file = list[i]
		if (!(file in block_of)) {
			files[++file_count] = file
			include(file, file)
			block_of[file] = script
			kinds[file] = kind_of(script)
		} else {
			kinds[file] = kinds[file] == kind_of(script) ? kinds[file] : "any"
			block_of[file] = kinds[file]
		}
	}
}

BEGIN {
	NAMES_MAX = 200 - 6 # those of the library itself
	for (a = 1; a < ARGC; a++) {
		name = ARGV[a]
		sub(/.*\//, "", name)
		sub(/\.lua$/, "", name)
		folder = substr(ARGV[a], 1, length(ARGV[a]) - length(name ".lua"))
		read_file(name)
		if (name in flags)
			note_script(name)
	}
	for (f = 1; f <= file_count; f++)
		for (l = 1; l <= length_of[files[f]]; l++) {
			check_line(files[f], text[files[f], l])
			note_shared(files[f], text[files[f], l])
		}
	for (s = 1; s <= script_count; s++) {
		check_values(scripts[s])
		check_uses(scripts[s])
	}

	known = print_files("any", 0)
	print_scripts("any", known)
	print "do"
	known = print_files("adding", known)
	print_scripts("adding", known)
	print "end"
	exit
}
