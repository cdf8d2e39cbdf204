package bot

import (
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// The menus and help lists of slash commands, as messages.Commands declares them.

// helpPlaces says for which kind of place a help text lists the commands.
var helpPlaces = map[string]messages.Places{
	messages.NoticeHelpPrivate: messages.InPrivate,
	messages.NoticeHelpGroup:   messages.InGroup,
	messages.NoticeHelpTopic:   messages.InTopic,
}

// helpList has a line for each command that is listed in a kind of place.
func helpList(lang string, at messages.Places) string {
	var lines []string
	for _, c := range messages.SlashCommands {
		if !c.Listed.Have(at) {
			continue
		}
		line := "/" + c.Verb
		if args := "args_" + c.Verb; known(args) && (at != messages.InPrivate || !known(privateWords(c))) {
			line += " " + label(lang, args)
		}
		lines = append(lines, line+" – "+describe(lang, c, at))
	}
	return strings.Join(lines, "\n")
}

// describe returns what a command does in a kind of place, in a few words.
func describe(lang string, c messages.SlashCommand, at messages.Places) string {
	if own := privateWords(c); at == messages.InPrivate && known(own) {
		return label(lang, own)
	}
	return label(lang, "cmd_"+c.Verb)
}

// privateWords is the text for a command that does something else in a private chat, without arguments; not every
// command has one.
func privateWords(c messages.SlashCommand) string { return "cmd_" + c.Verb + "_private" }

// commandMenu is one setMyCommands call.
type commandMenu struct {
	scope    models.BotCommandScope
	lang     string // empty: for everyone whose language has no menu of its own
	commands []models.BotCommand
}

// commandMenus returns the menus that Telegram's clients show, for each kind of chat, in English and Thai.
func commandMenus() []commandMenu {
	var menus []commandMenu
	const inGroups = messages.InGroup | messages.InTopic // Telegram has no menus for topics
	for _, lang := range []string{"", langThai} {
		menus = append(menus,
			commandMenu{&models.BotCommandScopeAllPrivateChats{}, lang, menuCommands(lang, messages.InPrivate, false)},
			commandMenu{&models.BotCommandScopeAllGroupChats{}, lang, menuCommands(lang, inGroups, false)},
			commandMenu{&models.BotCommandScopeAllChatAdministrators{}, lang, menuCommands(lang, inGroups, true)})
	}
	return menus
}

// menuCommands returns the commands that are listed in a kind of place. Only administrators see those that nobody
// else can use.
func menuCommands(lang string, at messages.Places, admins bool) []models.BotCommand {
	var commands []models.BotCommand
	for _, c := range messages.SlashCommands {
		forAdmins := c.Who == messages.ByAdmins && !c.Where.Have(messages.InPrivate)
		if c.Listed.Have(at) && (admins || !forAdmins) {
			commands = append(commands, models.BotCommand{Command: c.Verb, Description: describe(lang, c, at)})
		}
	}
	return commands
}
