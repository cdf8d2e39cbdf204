package messages

// Verbs of the slash commands, as people write them after the slash.
const (
	VerbStart        = "start"
	VerbHelp         = "help"
	VerbRegister     = "register"
	VerbDefaultGroup = "default_group"
	VerbCreateTicket = "create_ticket"
	VerbCloseTicket  = "close_ticket"
	VerbReopenTicket = "reopen_ticket"
	VerbPending      = "pending"
	VerbPriority     = "priority"
	VerbMention      = "mention"
	VerbLink         = "link"
	VerbUnlink       = "unlink"
	VerbTicket       = "ticket"
	VerbTickets      = "tickets"
	VerbDelete       = "delete"
	VerbLang         = "lang"
	VerbPublic       = "public"
	VerbWeb          = "web"
	VerbClaim        = "claim"
	VerbAssign       = "assign"
	VerbRelease      = "release"
	VerbMine         = "mine"
	VerbWaiting      = "waiting"
	VerbAutoClaim    = "autoclaim"
	VerbHours        = "hours"
	VerbAnswerWithin = "answer_within"
	VerbLater        = "later"
	VerbAutoClose    = "autoclose"
	VerbSettings     = "settings"
)

// Command declares a slash command: what follows it, where it can be given, and who may give it. From the declaration
// follow the bot's grammar, menus, help texts and its answer to a command in the wrong place, and the rights on a
// ticket or a group. The catalogue has the command's texts under its verb: "cmd_<verb>" describes it, and
// "args_<verb>", if there is one, says what follows it.
//
// What a command does is declared where it is done: the bot has a handler for each verb, and the ticket and the group
// have a row for each message that a verb becomes (docs/decisions.md, D58).
type SlashCommand struct {
	Verb    string
	Grammar Grammar
	About   Subject
	Where   Places // where it can be given; elsewhere the answer says what to do instead
	Listed  Places // where menus and help texts list it: a part of Where
	Who     Who
	// Personal commands need to know the person. Anonymous administrators are asked to write as themselves.
	Personal bool
}

// Grammar says how the text after a verb is read.
type Grammar uint8

// The grammars.
const (
	ArgNone     Grammar = iota // nothing; any text is ignored
	ArgWord                    // one word, in lower case
	ArgTicketID                // one word without punctuation around it
	ArgText                    // the whole text
	ArgTitle                   // a title and a description: on lines of their own, or `"title" description`
	ArgPeople                  // people, by mention or by name
)

// Subject is what a command is about.
type Subject uint8

// The subjects.
const (
	AboutDesk   Subject = iota // the desk, or the person who asks
	AboutChat                  // the whole chat: its later updates wait until the command is accepted
	AboutTicket                // a ticket: the topic's, or the current one of a private chat
)

// Places is a set of the kinds of places in which people write.
type Places uint8

// The kinds of places.
const (
	InPrivate Places = 1 << iota
	InGroup          // in a group, outside a ticket's topic
	InTopic          // in a ticket's topic

	Anywhere = InPrivate | InGroup | InTopic
)

// Have says whether p contains a kind of place.
func (p Places) Have(place Places) bool { return p&place != 0 }

// Who says who may give a command: nobody, unless something else is declared.
type Who uint8

// Those who may.
const (
	ByNobody  Who = iota
	ByAnyone      // whoever can write in the place
	ByTicket      // the ticket's creator, the administrators of its groups, and the internal users on it
	ByAdmins      // in a group its administrators, in a private chat its person
	ByOwnRule     // whoever the command's own rule allows; the ticket has it beside the command's effect
)

// SlashCommands has a row for each slash command, in the order in which people see them.
var SlashCommands = []SlashCommand{
	{Verb: VerbStart, Where: Anywhere, Listed: InPrivate, Who: ByAnyone},
	{Verb: VerbCreateTicket, Grammar: ArgTitle, Where: Anywhere, Listed: InPrivate | InGroup, Who: ByAnyone},
	{Verb: VerbMention, Grammar: ArgPeople, About: AboutTicket, Where: InTopic, Listed: InTopic, Who: ByAnyone},
	{Verb: VerbClaim, About: AboutTicket, Where: InTopic, Listed: InTopic, Who: ByOwnRule, Personal: true},
	{Verb: VerbAssign, Grammar: ArgPeople, About: AboutTicket, Where: InTopic, Listed: InTopic, Who: ByOwnRule},
	{Verb: VerbRelease, About: AboutTicket, Where: InTopic, Listed: InTopic, Who: ByOwnRule},
	{Verb: VerbLater, Grammar: ArgText, About: AboutTicket, Where: InTopic, Listed: InTopic, Who: ByOwnRule},
	{Verb: VerbPending, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByTicket},
	{Verb: VerbPriority, Grammar: ArgWord, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic,
		Who: ByTicket},
	{Verb: VerbCloseTicket, Grammar: ArgText, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic,
		Who: ByTicket},
	{Verb: VerbReopenTicket, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByTicket},
	{Verb: VerbDelete, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByOwnRule},
	{Verb: VerbTicket, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByAnyone},
	{Verb: VerbTickets, Grammar: ArgWord, Where: Anywhere, Listed: Anywhere, Who: ByAnyone},
	{Verb: VerbMine, Where: Anywhere, Listed: InPrivate | InGroup, Who: ByAnyone, Personal: true},
	{Verb: VerbWaiting, Where: Anywhere, Listed: InPrivate | InGroup, Who: ByAnyone},
	{Verb: VerbLink, Grammar: ArgTicketID, About: AboutTicket, Where: InGroup | InTopic, Listed: InGroup, Who: ByOwnRule},
	{Verb: VerbUnlink, About: AboutTicket, Where: InGroup | InTopic, Listed: InTopic, Who: ByTicket},
	{Verb: VerbDefaultGroup, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAnyone, Personal: true},
	{Verb: VerbRegister, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbPublic, Grammar: ArgWord, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbHours, Grammar: ArgText, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbAnswerWithin, Grammar: ArgText, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbAutoClose, Grammar: ArgText, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbAutoClaim, Grammar: ArgWord, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbSettings, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbLang, Grammar: ArgWord, About: AboutChat, Where: Anywhere, Listed: Anywhere, Who: ByAdmins},
	{Verb: VerbWeb, Grammar: ArgWord, Where: Anywhere, Listed: InPrivate, Who: ByAnyone, Personal: true},
	{Verb: VerbHelp, Where: Anywhere, Listed: Anywhere, Who: ByAnyone},
}

var commandsByVerb = func() map[string]SlashCommand {
	m := make(map[string]SlashCommand, len(SlashCommands))
	for _, c := range SlashCommands {
		m[c.Verb] = c
	}
	return m
}()

// CommandOf returns the command of a verb. It is not ok when there is none; nobody may give the zero command anywhere.
func CommandOf(verb string) (c SlashCommand, ok bool) {
	c, ok = commandsByVerb[verb]
	return c, ok
}
