package bot

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// maxTargets is how many people one command can name.
const maxTargets = 10

// SlashCommand is a slash command that a person gave. Which fields are set depends on the verb's grammar.
type SlashCommand struct {
	Verb    string
	Foreign bool // addressed to another bot: neither a command to us nor a text to copy

	Arg string // of ArgWord, ArgTicketID and ArgText; empty: not given

	Title       string          // of ArgTitle; empty: not given
	Description messages.Marked // of ArgTitle
	Targets     []Target        // of ArgPeople; none: not given

	Sources []*messages.Source // of the description, when describe has completed it
}

// Target is a person named in a command: by user id (a text mention), or by username without "@".
type Target struct {
	UserID   int64
	Name     string // with UserID: as Telegram shows it
	Username string
}

// ParseCommand reads the slash command at the very beginning of a message's text; false means that the text is
// ordinary. Upper and lower case don't matter in names of commands and of bots. Entity offsets are UTF-16 units of
// text, as in the Bot API.
func ParseCommand(text string, entities []*messages.Entity, botUsername string) (SlashCommand, bool) {
	verb, address, rest, ok := splitCommand(text)
	if !ok {
		return SlashCommand{}, false
	}
	if address != "" && !strings.EqualFold(address, botUsername) {
		return SlashCommand{Foreign: true}, true
	}
	declared, ok := messages.CommandOf(strings.ToLower(verb))
	if !ok {
		return SlashCommand{}, false
	}
	c := SlashCommand{Verb: declared.Verb}
	switch declared.Grammar {
	case messages.ArgTitle:
		args := messages.Marked{Text: text, Entities: entities}.Slice(len(text)-len(rest), len(text))
		c.Title, c.Description = parseTitle(args)
	case messages.ArgPeople: // a note names nobody
		before, _, _ := messages.SplitNote(rest)
		c.Targets = parseTargets(text[:len(text)-len(rest)+len(before)], before, entities)
	case messages.ArgWord:
		c.Arg = strings.ToLower(firstWord(rest))
	case messages.ArgTicketID:
		sign := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
		c.Arg = strings.TrimRightFunc(strings.TrimLeftFunc(firstWord(rest), func(r rune) bool {
			return sign(r) && r != '-' // #-1 is no ticket, and not #1
		}), sign)
	case messages.ArgText:
		c.Arg = trim(rest)
	}
	return c, true
}

// besideCommand returns what a text has besides the command at its beginning: the words that the command does not take,
// with their markup. A text without a command stays as it is.
func besideCommand(text string, entities []*messages.Entity, botUsername string) (string, []*messages.Entity) {
	c, ok := ParseCommand(text, entities, botUsername)
	if !ok {
		return text, entities
	}
	_, _, rest, _ := splitCommand(text)
	declared, _ := messages.CommandOf(c.Verb)
	taken := 0
	switch {
	case c.Foreign: // nobody knows what that takes
		taken = len(rest)
	case declared.Grammar == messages.ArgWord, declared.Grammar == messages.ArgTicketID:
		taken = endOfFirstWord(rest)
	case declared.Grammar == messages.ArgPeople:
		if onlyPeople(text, rest, entities) {
			taken = len(rest)
		}
	case declared.Grammar != messages.ArgNone:
		taken = len(rest)
	}
	return ending(text, entities, rest[taken:])
}

// noteIn returns the internal note that is written after the command at the beginning of a text.
func noteIn(text string, entities []*messages.Entity) (string, []*messages.Entity) {
	_, _, rest, _ := splitCommand(text)
	_, note, _ := messages.SplitNote(rest)
	return ending(text, entities, note)
}

// ending returns the end of a text with its markup, without white space around it.
func ending(text string, entities []*messages.Entity, end string) (string, []*messages.Entity) {
	left := strings.TrimLeftFunc(end, messages.Separator)
	from := len(text) - len(left)
	left = strings.TrimRightFunc(left, messages.Separator)
	if left == "" {
		return "", nil
	}
	return left, cut(text, entities, from, from+len(left))
}

// onlyPeople says whether what follows a command is nothing but people.
func onlyPeople(text, rest string, entities []*messages.Entity) bool {
	return len(besidePeople(text, rest, entities)) == 0
}

// besidePeople returns the words after a command that name nobody.
func besidePeople(text, rest string, entities []*messages.Entity) (others []string) {
	from, named := len(text)-len(rest), false
	for _, e := range entities {
		begin, end, ok := byteRange(text, e.GetOffset(), e.GetLength())
		if ok && e.GetType() == "text_mention" && begin >= from {
			rest = rest[:begin-from] + strings.Repeat(" ", end-begin) + rest[end-from:]
			named = true
		}
	}
	for _, word := range strings.FieldsFunc(rest, messages.Separator) {
		if strings.HasPrefix(word, "@") {
			named = true
		} else {
			others = append(others, word)
		}
	}
	if len(others) > 0 && !named { // the first word is a name without "@"
		return others[1:]
	}
	return others
}

// tellsBesidePeople says whether a command says something besides whom it names.
func tellsBesidePeople(text string, entities []*messages.Entity) bool {
	_, _, rest, _ := splitCommand(text)
	before, _, _ := messages.SplitNote(rest)
	text, rest = text[:len(text)-len(rest)+len(before)], before
	return slices.ContainsFunc(besidePeople(text, rest, entities), func(word string) bool {
		return strings.ContainsFunc(word, unicode.IsLetter) && !slices.Contains(joining, strings.ToLower(word))
	})
}

// joining are words that stand between names.
var joining = []string{"and", "or", "และ", "กับ", "หรือ"}

// endOfFirstWord returns where the word ends that firstWord returns.
func endOfFirstWord(s string) int {
	word := firstWord(s)
	end := strings.Index(s, word) + len(word)
	if next := strings.IndexFunc(s[end:], messages.Separator); next >= 0 {
		return end + next
	}
	return len(s)
}

// cut returns the entities of a part of a text, given as a range of bytes.
func cut(text string, entities []*messages.Entity, from, to int) (out []*messages.Entity) {
	begin := int32(messages.UTF16Len(text[:from]))
	end := begin + int32(messages.UTF16Len(text[from:to]))
	for _, e := range entities {
		at, until := max(e.GetOffset(), begin), min(e.GetOffset()+e.GetLength(), end)
		if at >= until {
			continue
		}
		part := proto.CloneOf(e)
		part.Offset, part.Length = at-begin, until-at
		out = append(out, part)
	}
	return out
}

// splitCommand splits "/verb@address rest". By Telegram's own rule, a command can't be followed directly by a letter, a
// digit or one of "/<>". A note can: who writes "/close_ticket//" believes that it is one.
func splitCommand(text string) (verb, address, rest string, ok bool) {
	if len(text) < 2 || text[0] != '/' {
		return "", "", "", false
	}
	verb, rest = nameAt(text[1:])
	if verb == "" || len(verb) > 64 {
		return "", "", "", false
	}
	if strings.HasPrefix(rest, "@") {
		if name, after := nameAt(rest[1:]); name != "" {
			address, rest = name, after
		}
	}
	if r, _ := utf8.DecodeRuneInString(rest); rest != "" && goesOn(r) && !messages.InternalNote(rest) {
		return "", "", "", false
	}
	return verb, address, rest, true
}

// goesOn says whether a character directly after a command makes it ordinary text.
func goesOn(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) && !messages.Invisible(r) ||
		strings.ContainsRune("/<>", r)
}

// nameAt splits s after the leading characters that can be in the name of a command or a person.
func nameAt(s string) (name, rest string) {
	i := 0
	for i < len(s) && nameByte(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func nameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}

// parseTitle reads "title", "title\ndescription" and `"title" description`. A title is a name without markup: what its
// author hides is left out of it.
func parseTitle(args messages.Marked) (title string, description messages.Marked) {
	args = trimmed(args)
	end, next := len(args.Text), len(args.Text)
	if i := strings.IndexByte(args.Text, '\n'); i >= 0 {
		end, next = i, i+1
	}
	line, more := args.Slice(0, end), trimmed(args.Slice(next, len(args.Text)))
	if from, to, rest, ok := quotedPrefix(line.Text); ok {
		more = trimmed(line.Slice(rest, len(line.Text))).Then("\n", more)
		line = line.Slice(from, to)
	}
	if line = trimmed(line); messages.Blank(line.Text) {
		line = messages.Marked{}
	}
	return messages.Titled(line, more)
}

// quotes are the opening quotation marks with the marks that may close them, the likeliest first. Phones turn
// straight marks into curly ones, on Thai and English keyboards alike.
var quotes = map[rune][]rune{
	'"': {'"', '”', '“'},
	'“': {'”', '"', '“'},
	'”': {'”', '"'},
	'„': {'“', '”', '"'},
	'«': {'»'},
}

// quotedPrefix splits `"title" rest`: it returns where the title begins and ends, and where the rest begins. It is not ok
// when the line does not begin with a quoted title, when the title is blank, or when text follows the closing mark
// directly.
func quotedPrefix(line string) (from, to, rest int, ok bool) {
	open, size := utf8.DecodeRuneInString(line)
	for _, end := range quotes[open] {
		i := strings.IndexRune(line[size:], end)
		if i < 0 {
			continue
		}
		from, to, rest = size, size+i, size+i+utf8.RuneLen(end)
		next, _ := utf8.DecodeRuneInString(line[rest:])
		if messages.Blank(line[from:to]) || rest < len(line) && !messages.Separator(next) {
			return 0, 0, 0, false
		}
		return from, to, rest, true
	}
	return 0, 0, 0, false
}

// parseTargets returns whom a command names: by text mentions and @names anywhere, else by the first word.
func parseTargets(text, rest string, entities []*messages.Entity) []Target {
	var targets []Target
	add := func(t Target) {
		for _, known := range targets {
			if known == t {
				return
			}
		}
		if len(targets) < maxTargets {
			targets = append(targets, t)
		}
	}
	from := len(text) - len(rest)
	var taken [][2]int // byte ranges of text mentions: an "@" in the name that one displays is not an @name
	for _, e := range entities {
		if e.GetType() != "text_mention" || e.GetUserId() == 0 {
			continue
		}
		begin, end, ok := byteRange(text, e.GetOffset(), e.GetLength())
		if ok && begin >= from {
			taken = append(taken, [2]int{begin, end})
			add(Target{UserID: e.GetUserId(), Name: e.GetUserName()})
		}
	}
	inTaken := func(i int) bool {
		for _, t := range taken {
			if i >= t[0] && i < t[1] {
				return true
			}
		}
		return false
	}
	for i := from; i < len(text); i++ {
		if text[i] == '@' && !inTaken(i) && (i == 0 || !nameByte(text[i-1])) {
			if name, _ := nameAt(text[i+1:]); name != "" {
				add(Target{Username: name})
				i += len(name)
			}
		}
	}
	if len(targets) > 0 {
		return targets
	}
	if word := firstWord(rest); word != "" {
		return []Target{{Username: word}}
	}
	return nil
}

// firstWord returns the first word without the emoji and invisible characters around it. Words of nothing else are
// skipped, unless there is no other.
func firstWord(s string) string {
	decoration := func(r rune) bool { return unicode.IsSymbol(r) || unicode.IsMark(r) && r >= 0xFE00 || r == '@' }
	words := strings.FieldsFunc(s, messages.Separator)
	for _, w := range words {
		if w = strings.TrimFunc(w, decoration); w != "" {
			return w
		}
	}
	for _, w := range words {
		if w = strings.Trim(w, "@"); !messages.Blank(w) {
			return w
		}
	}
	return ""
}

// byteRange turns an entity's UTF-16 range into a range of bytes. It is not ok when the range lies outside the text.
func byteRange(text string, offset, length int32) (begin, end int, ok bool) {
	if offset < 0 || length < 0 {
		return 0, 0, false
	}
	begin, end = -1, -1
	units, from, to := int64(0), int64(offset), int64(offset)+int64(length)
	for i, r := range text {
		if begin < 0 && units >= from {
			begin = i
		}
		if units >= to {
			end = i
			break
		}
		units++
		if r > 0xFFFF {
			units++
		}
	}
	if begin < 0 && units >= from {
		begin = len(text)
	}
	if end < 0 && units >= to {
		end = len(text)
	}
	return begin, end, begin >= 0 && end >= begin
}

func trim(s string) string { return strings.TrimFunc(s, messages.Separator) }

func trimmed(m messages.Marked) messages.Marked { return m.TrimFunc(messages.Separator) }

// String writes the command as a person would type it, without markup; ParseCommand reads it back.
func (c SlashCommand) String() string {
	var b strings.Builder
	b.WriteString("/" + c.Verb)
	arg := func(s string) {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	arg(c.Arg)
	if c.Title != "" {
		arg(quoteTitle(c.Title))
	}
	if c.Description.Text != "" {
		b.WriteString("\n" + c.Description.Text)
	}
	for _, t := range c.Targets {
		if t.Username != "" {
			arg("@" + t.Username)
		}
	}
	return b.String()
}

// quoteTitle quotes a title that parseTitle would otherwise read as a quoted one.
func quoteTitle(title string) string {
	if _, _, _, ok := quotedPrefix(title); !ok {
		return title
	}
	if !strings.Contains(title, `"`) {
		return `"` + title + `"`
	}
	if !strings.Contains(title, "»") {
		return "«" + title + "»"
	}
	return title
}
