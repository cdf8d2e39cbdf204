package bot

import (
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// place says where a command makes sense.
type place uint8

const (
	inPrivate place = 1 << iota
	inGroup         // in a group, outside of a ticket's topic
	inTopic         // in a ticket's topic
)

// menuItem is a command as people are shown it. Its description is "cmd_<verb>" in the catalogue, and what may follow it
// "args_<verb>".
type menuItem struct {
	verb   string
	places place
	admins bool // only administrators can use it
}

// menu lists the commands in the order in which people see them.
var menu = []menuItem{
	{verb: VerbStart, places: inPrivate},
	{verb: VerbCreateTicket, places: inPrivate | inGroup},
	{verb: VerbMention, places: inTopic},
	{verb: VerbPending, places: inTopic},
	{verb: VerbPriority, places: inPrivate | inTopic},
	{verb: VerbCloseTicket, places: inPrivate | inTopic},
	{verb: VerbReopenTicket, places: inPrivate | inTopic},
	{verb: VerbDelete, places: inPrivate | inTopic},
	{verb: VerbTicket, places: inPrivate | inTopic},
	{verb: VerbTickets, places: inPrivate | inGroup},
	{verb: VerbLink, places: inGroup},
	{verb: VerbUnlink, places: inTopic},
	{verb: VerbDefaultGroup, places: inGroup},
	{verb: VerbRegister, places: inGroup, admins: true},
	{verb: VerbPublic, places: inGroup, admins: true},
	{verb: VerbLang, places: inPrivate | inGroup},
	{verb: VerbHelp, places: inPrivate | inGroup | inTopic},
}

// helpPlaces says which commands a help text lists.
var helpPlaces = map[string]place{
	messages.NoticeHelpPrivate: inPrivate,
	messages.NoticeHelpGroup:   inGroup,
	messages.NoticeHelpTopic:   inTopic,
}

// helpList is a line for each command that makes sense in a place.
func helpList(lang string, at place) string {
	var lines []string
	for _, item := range menu {
		if item.places&at == 0 {
			continue
		}
		line := "/" + item.verb
		if args := "args_" + item.verb; known(args) {
			line += " " + word(lang, args)
		}
		lines = append(lines, line+" – "+word(lang, "cmd_"+item.verb))
	}
	return strings.Join(lines, "\n")
}

// commandMenu is one setMyCommands call.
type commandMenu struct {
	scope    models.BotCommandScope
	lang     string // empty: for everyone whose language has no menu of its own
	commands []models.BotCommand
}

// commandMenus are the menus that Telegram's clients show, for each kind of chat, in English and Thai.
func commandMenus() []commandMenu {
	var menus []commandMenu
	for _, lang := range []string{"", langThai} {
		menus = append(menus,
			commandMenu{&models.BotCommandScopeAllPrivateChats{}, lang, menuCommands(lang, inPrivate, false)},
			commandMenu{&models.BotCommandScopeAllGroupChats{}, lang, menuCommands(lang, inGroup|inTopic, false)},
			commandMenu{&models.BotCommandScopeAllChatAdministrators{}, lang, menuCommands(lang, inGroup|inTopic, true)})
	}
	return menus
}

func menuCommands(lang string, at place, admins bool) []models.BotCommand {
	var commands []models.BotCommand
	for _, item := range menu {
		if item.places&at != 0 && (admins || !item.admins) {
			commands = append(commands, models.BotCommand{Command: item.verb, Description: word(lang, "cmd_"+item.verb)})
		}
	}
	return commands
}
