package messages

// Verbs are the commands that people can give, as they are written after the slash.
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
)

// Command declares a command: what follows it, where it can be given, and who may give it. The bot's grammar, menus,
// help texts and answers to a command in the wrong place follow from it, and so do the rights on a ticket or a group.
// Its texts are found by the verb: "cmd_<verb>" describes the command, and "args_<verb>", if there is one, says what
// follows it.
//
// What a command does is declared by whoever does it: the bot has a handler for each verb, and the ticket and the
// group have a row for each message that a verb becomes.
type Command struct {
	Verb    string
	Grammar Grammar
	About   Subject
	Where   Places // where it can be given; elsewhere it is answered with what to do instead
	Listed  Places // where menus and help texts show it, a part of Where
	Who     Who
	// Personal commands need to know the person: anonymous administrators are told to write as themselves.
	Personal bool
}

// Grammar is how the text behind a verb is read.
type Grammar uint8

// The grammars.
const (
	ArgNone     Grammar = iota // nothing is expected; what is there counts for nothing
	ArgWord                    // one word, in lower case
	ArgTicketID                // one word without punctuation around it
	ArgText                    // everything
	ArgTitle                   // a title and a description: on lines of their own, or `"title" description`
	ArgPeople                  // people, by mention or by name
)

// Subject is what a command is about.
type Subject uint8

// The subjects.
const (
	AboutDesk   Subject = iota // the desk, or whoever asks
	AboutChat                  // the whole chat: what comes in behind the command waits until it is accepted
	AboutTicket                // a ticket: of the topic, or the one that a private chat is talking on
)

// Places are kinds of places in which people write.
type Places uint8

// The kinds of places.
const (
	InPrivate Places = 1 << iota
	InGroup          // in a group, outside of a ticket's topic
	InTopic          // in a ticket's topic

	Anywhere = InPrivate | InGroup | InTopic
)

// Have says whether a kind of place is among p.
func (p Places) Have(place Places) bool { return p&place != 0 }

// Who says who may give a command. Nobody may unless something else is declared.
type Who uint8

// Those who may.
const (
	ByNobody  Who = iota
	ByAnyone      // whoever can write in the place
	ByTicket      // the ticket's creator, the administrators of its groups, and the internal users on it
	ByAdmins      // administrators, in a group; in a private chat its person
	ByOwnRule     // whom a rule of the command's own allows: the ticket has it beside the command's effect
)

// Commands are all commands, in the order in which people see them.
var Commands = []Command{
	{Verb: VerbStart, Where: Anywhere, Listed: InPrivate, Who: ByAnyone},
	{Verb: VerbCreateTicket, Grammar: ArgTitle, Where: Anywhere, Listed: InPrivate | InGroup, Who: ByAnyone},
	{Verb: VerbMention, Grammar: ArgPeople, About: AboutTicket, Where: InTopic, Listed: InTopic, Who: ByAnyone},
	{Verb: VerbPending, About: AboutTicket, Where: InPrivate | InTopic, Listed: InTopic, Who: ByTicket},
	{Verb: VerbPriority, Grammar: ArgWord, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic,
		Who: ByTicket},
	{Verb: VerbCloseTicket, Grammar: ArgText, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic,
		Who: ByTicket},
	{Verb: VerbReopenTicket, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByTicket},
	{Verb: VerbDelete, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByOwnRule},
	{Verb: VerbTicket, About: AboutTicket, Where: InPrivate | InTopic, Listed: InPrivate | InTopic, Who: ByAnyone},
	{Verb: VerbTickets, Where: Anywhere, Listed: InPrivate | InGroup, Who: ByAnyone, Personal: true},
	{Verb: VerbLink, Grammar: ArgTicketID, About: AboutTicket, Where: InGroup | InTopic, Listed: InGroup, Who: ByOwnRule},
	{Verb: VerbUnlink, About: AboutTicket, Where: InGroup | InTopic, Listed: InTopic, Who: ByTicket},
	{Verb: VerbDefaultGroup, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAnyone, Personal: true},
	{Verb: VerbRegister, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbPublic, Grammar: ArgWord, About: AboutChat, Where: InGroup | InTopic, Listed: InGroup, Who: ByAdmins},
	{Verb: VerbLang, Grammar: ArgWord, About: AboutChat, Where: Anywhere, Listed: InPrivate | InGroup, Who: ByAdmins},
	{Verb: VerbHelp, Where: Anywhere, Listed: Anywhere, Who: ByAnyone},
}

var commandsByVerb = func() map[string]Command {
	m := make(map[string]Command, len(Commands))
	for _, c := range Commands {
		m[c.Verb] = c
	}
	return m
}()

// CommandOf finds the command of a verb; not ok when there is none. Of an unknown one nobody may give it anywhere.
func CommandOf(verb string) (c Command, ok bool) {
	c, ok = commandsByVerb[verb]
	return c, ok
}
