package bot

import (
	"embed"
	"maps"
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/go-telegram/bot/models"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"github.com/topicdesk/topicdesk/messages"
)

// The catalogue: all texts of the bot, in the files locales/*.toml.

// maxText is how many UTF-16 units a message's text may have, after its entities are parsed (Bot API, sendMessage).
const maxText = 4096

const langEnglish, langThai = "en", "th"

// styles says how the value of a placeholder looks, in every text. Values of other placeholders are plain.
var styles = map[string]models.MessageEntityType{
	"title":   models.MessageEntityTypeBold,
	"current": models.MessageEntityTypeBold,
	"name":    models.MessageEntityTypeBold,
	"who":     models.MessageEntityTypeBold,
	"group":   models.MessageEntityTypeBold,
	"team":    models.MessageEntityTypeBold,
	"groups":  models.MessageEntityTypeBold,
	"ticket":  models.MessageEntityTypeBold,
	"given":   models.MessageEntityTypeCode,
	// What a program has chosen or answered is shown as it is: as code it mentions nobody, and leads nowhere.
	"webhook": models.MessageEntityTypeCode,
	"host":    models.MessageEntityTypeCode,
	"error":   models.MessageEntityTypeCode,
	"subject": models.MessageEntityTypeCode,
	"detail":  models.MessageEntityTypeCode,
	"problem": models.MessageEntityTypeBold,
}

// labelPrefixes are the placeholders whose values are looked up in the catalogue too, under "<prefix><value>".
var labelPrefixes = map[string]string{
	"priority": "priority_",
	"status":   "status_",
	"lang":     "language_",
	"problem":  "problem_",
	"advice":   "advice_",
}

// Texts of the catalogue that only this package uses; the comments give their placeholders.
const (
	textOpenLink       = "open_link" // of a topic
	textOpenDesk       = "open_desk"
	textCardAskedBy    = "card_asked_by"  // who, name (of the person who was mentioned; empty: nobody was)
	textCardState      = "card_state"     // status, priority
	textCardOpenedBy   = "card_opened_by" //
	textCardCustomer   = "card_customer"  // before the name of whose message it was opened from
	textCardAssignee   = "card_assignee"  // before the name of who takes care of it
	textCardCloses     = "card_closes"    // at
	textCardFollows    = "card_follows"   // ticket
	textCardLinked     = "card_linked"    //
	textCardGroup      = "card_group"     //
	textCardReader     = "card_reader"    // name (of who reads what is written in the topic)
	textCardPrivate    = "card_private"   //
	textCardBehind     = "card_behind"    // group, lag (seconds), waiting, budget (messages a minute; empty: no limit)
	textCardSuspended  = "card_suspended" // group, waiting, why
	textCardBlocked    = "card_blocked"   // name
	textMore           = "card_more"      // count
	textListOpened     = "list_opened"    // who, age
	textListAssignee   = "list_assignee"  // who
	textListSince      = "list_since"     // at
	textListHelped     = "list_helped"    // group
	textListDesk       = "list_waits_desk"
	textListCustomer   = "list_waits_customer"
	textAgeMinutes     = "age_minutes" // count
	textAgeHours       = "age_hours"   // count
	textAgeDays        = "age_days"    // count
	textContextHeading = "context_heading"
	textContextNone    = "context_none"
	textContextDeleted = "context_deleted" // all that were shown
	textForwarded      = "forwarded_from"
	textInReplyTo      = "in_reply_to"
	textReplyDeleted   = "reply_deleted" // what is answered
	textProtected      = "protected_content"
	textCopyEdited     = "copy_edited" // in the first line of a copy
	textMediaOther     = "media_other" // a kind that this version does not know; the others are "media_<kind>"
)

//go:embed locales/*.toml
var locales embed.FS

// catalogues are the texts by language. They are part of the program, so it panics when they can't be read; no test
// passes then.
var catalogues = sync.OnceValue(func() map[string]*i18n.Localizer {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	all := map[string]*i18n.Localizer{}
	for _, lang := range []string{langEnglish, langThai} {
		if _, err := bundle.LoadMessageFileFS(locales, "locales/"+lang+".toml"); err != nil {
			panic("bot: " + err.Error())
		}
		all[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return all
})

// Text renders a text of the catalogue, at most 4096 UTF-16 units long. An unknown language is English. The values of
// args are literal, whatever they contain. If the text would be too long, the longest values are shortened.
func Text(lang, key string, args map[string]string) Rich {
	return textWithin(lang, key, args, maxText)
}

// textWithin is Text with another limit.
func textWithin(lang, key string, args map[string]string, limit int) Rich {
	return textMentioning(lang, key, args, special{}, limit)
}

// special are values that are more than words.
type special struct {
	userID int64  // of the person whom the value of "name" mentions, who is notified of it if the message is new; 0: nobody
	atMs   int64  // the time that is the value of "at"; 0: none
	zone   string // in which it is written
}

// textMentioning is textWithin with special values.
func textMentioning(lang, key string, args map[string]string, more special, limit int) Rich {
	if more.atMs != 0 {
		args = maps.Clone(args)
		if args == nil {
			args = map[string]string{}
		}
		args["at"] = timeText(lang, more.atMs, more.zone)
	}
	if at, ok := helpPlaces[key]; ok {
		args = map[string]string{"commands": helpList(lang, at)}
	}
	segments := localize(lang, key, args)
	room := limit
	for i := range segments {
		s := &segments[i]
		if s.name != "" {
			s.fill(lang, args)
		} else {
			room -= messages.UTF16Len(s.text)
		}
	}
	fit(segments, room)
	var b builder
	for _, s := range segments {
		switch {
		case s.url != "":
			b.link(s.text, s.url)
		case s.name == "at" && more.atMs != 0:
			b.time(s.text, more.atMs)
		case s.name == "name" && more.userID != 0:
			b.mention(s.text, more.userID)
		default:
			b.mark(s.kind, s.text)
		}
	}
	return b.done()
}

// segment is a piece of a text: literal text of the catalogue, or the value of a placeholder.
type segment struct {
	name string // of the placeholder; "" for literal text
	text string
	kind models.MessageEntityType
	url  string
}

// localize splits a text into literal text and placeholders. The template gets marks instead of the values. So
// nothing in a value is ever read as a template, and the position of each value is known.
func localize(lang, key string, args map[string]string) []segment {
	const mark = "\x00"
	data := make(map[string]string, len(args))
	for name, value := range args {
		if value != "" {
			data[name] = mark + name + mark
		}
	}
	config := &i18n.LocalizeConfig{MessageID: key, TemplateData: data}
	if n, err := strconv.Atoi(args["count"]); err == nil {
		config.PluralCount = n
	}
	text, err := localizer(lang).Localize(config)
	if err != nil && text == "" {
		return []segment{{text: key}} // not in the catalogue: a bug; a test checks that each text is there
	}
	parts := strings.Split(strings.TrimSuffix(text, "\n"), mark)
	segments := make([]segment, 0, len(parts))
	for i, part := range parts {
		switch {
		case i%2 == 1:
			segments = append(segments, segment{name: part})
		case part != "":
			segments = append(segments, segment{text: part})
		}
	}
	return segments
}

// fill sets the segment to the placeholder's value.
func (s *segment) fill(lang string, args map[string]string) {
	s.text, s.kind = messages.WithoutDirection(args[s.name]), styles[s.name] // it would turn around the words after it
	switch s.name {
	case "command":
		s.text = "/" + strings.TrimPrefix(s.text, "/")
	case "url":
		if strings.HasPrefix(s.text, "https://") {
			opens := textOpenLink
			if strings.Contains(s.text, messages.WebSignInPath+"?") {
				opens = textOpenDesk
			}
			s.url, s.text = s.text, label(lang, opens)
		}
	case "hours", "apart":
		s.text = hoursText(lang, s.text)
	case "low", "normal", "high", "urgent", "after", "notice":
		s.text = withinText(lang, s.text)
	default:
		if prefix := labelPrefixes[s.name]; prefix != "" && known(prefix+s.text) {
			s.text = label(lang, prefix+s.text)
		}
	}
}

// fit shortens the longest values so that all values together take at most room units.
func fit(segments []segment, room int) {
	total := taken(segments, math.MaxInt)
	if total <= room {
		return
	}
	limit := sort.Search(total, func(limit int) bool { return taken(segments, limit+1) > room })
	for i, s := range segments {
		if s.name != "" {
			segments[i].text = messages.Shorten(s.text, limit)
		}
	}
}

// taken returns how many units the values take together if each is cut to limit units.
func taken(segments []segment, limit int) int {
	sum := 0
	for _, s := range segments {
		if s.name != "" {
			sum += min(limit, messages.UTF16Len(s.text))
		}
	}
	return sum
}

// label returns a text of the catalogue that has no placeholders.
func label(lang, key string) string {
	text, err := localizer(lang).Localize(&i18n.LocalizeConfig{MessageID: key})
	if err != nil && text == "" {
		return key
	}
	return text
}

// longestLabel returns how many units a label has in the language in which it is longest.
func longestLabel(key string) int {
	return max(messages.UTF16Len(label(langEnglish, key)), messages.UTF16Len(label(langThai, key)))
}

// known says whether the catalogue has a text.
func known(key string) bool {
	text, _ := localizer(langEnglish).Localize(&i18n.LocalizeConfig{MessageID: key})
	return text != ""
}

func localizer(lang string) *i18n.Localizer {
	return catalogues()[catalogueLang(lang)]
}

// catalogueLang returns the catalogue's language for that of a person or a group: Thai, or English for everyone else.
func catalogueLang(lang string) string {
	if primary, _, _ := strings.Cut(strings.ToLower(lang), "-"); primary == langThai {
		return langThai
	}
	return langEnglish
}
