package bot

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
)

const ourBot = "TopicDeskBot"

func TestParseCommand(t *testing.T) {
	create := func(title, description string) SlashCommand {
		return SlashCommand{Verb: messages.VerbCreateTicket, Title: title, Description: messages.Marked{Text: description}}
	}
	mention := func(names ...string) SlashCommand {
		c := SlashCommand{Verb: messages.VerbMention}
		for _, n := range names {
			c.Targets = append(c.Targets, Target{Username: n})
		}
		return c
	}
	for text, want := range map[string]SlashCommand{
		"/start":                        {Verb: messages.VerbStart},
		"/START":                        {Verb: messages.VerbStart},
		"/start deeplink":               {Verb: messages.VerbStart},
		"/help@TopicDeskBot":            {Verb: messages.VerbHelp},
		"/help@topicdeskbot ":           {Verb: messages.VerbHelp},
		"/help@OtherBot":                {Foreign: true},
		"/unheard_of@OtherBot":          {Foreign: true},
		"/help@TopicDeskBotX":           {Foreign: true},
		"/register":                     {Verb: messages.VerbRegister},
		"/default_group":                {Verb: messages.VerbDefaultGroup},
		"/reopen_ticket\u200f":          {Verb: messages.VerbReopenTicket},
		"/pending\ufeff":                {Verb: messages.VerbPending},
		"/pending!":                     {Verb: messages.VerbPending},
		"/ticket":                       {Verb: messages.VerbTicket},
		"/tickets":                      {Verb: messages.VerbTickets},
		"/unlink 🙏":                     {Verb: messages.VerbUnlink},
		"/unlink🙏":                      {Verb: messages.VerbUnlink},
		"/create_ticket":                create("", ""),
		"/create_ticket  \n ":           create("", ""),
		"/create_ticket \u200b\u2060":   create("", ""),
		"/create_ticket Printer broken": create("Printer broken", ""),
		"/create_ticket\u00a0Printer\u00a0broken":      create("Printer\u00a0broken", ""),
		"/create_ticket\tPrinter":                      create("Printer", ""),
		"/create_ticket\nPrinter\nIt smokes.\n\nA lot": create("Printer", "It smokes.\n\nA lot"),
		"/create_ticket@TopicDeskBot Printer":          create("Printer", ""),
		`/create_ticket "Printer broken" It smokes`:    create("Printer broken", "It smokes"),
		"/create_ticket “Printer broken” It smokes":    create("Printer broken", "It smokes"),
		"/create_ticket \"Printer broken” It smokes":   create("Printer broken", "It smokes"),
		"/create_ticket „Drucker“ raucht":              create("Drucker", "raucht"),
		"/create_ticket «Принтер» дымит":               create("Принтер", "дымит"),
		"/create_ticket “เครื่องพิมพ์เสีย” มีควัน":     create("เครื่องพิมพ์เสีย", "มีควัน"),
		"/create_ticket \"Printer\" smokes\nA lot":     create("Printer", "smokes\nA lot"),
		"/create_ticket \"Printer\"\nA lot":            create("Printer", "A lot"),
		`/create_ticket "Printer`:                      create(`"Printer`, ""),
		`/create_ticket "" x`:                          create(`"" x`, ""),
		`/create_ticket "Foo"bar`:                      create(`"Foo"bar`, ""),
		`/create_ticket Say "hi" twice`:                create(`Say "hi" twice`, ""),
		"/create_ticket ❤️":                            create("❤️", ""),
		"/create_ticket 🏴󠁧󠁢󠁥󠁮󠁧󠁿":                       create("🏴󠁧󠁢󠁥󠁮󠁧󠁿", ""),
		"/create_ticket <b>x</b> & *y*":                create("<b>x</b> & *y*", ""),
		"/close_ticket":                                {Verb: messages.VerbCloseTicket},
		"/close_ticket Sold\nat last ":                 {Verb: messages.VerbCloseTicket, Arg: "Sold\nat last"},
		"/priority HIGH":                               {Verb: messages.VerbPriority, Arg: "high"},
		"/priority 🔥 urgent now":                       {Verb: messages.VerbPriority, Arg: "urgent"},
		"/priority":                                    {Verb: messages.VerbPriority},
		"/priority 🔥":                                  {Verb: messages.VerbPriority, Arg: "🔥"},
		"/lang TH":                                     {Verb: messages.VerbLang, Arg: "th"},
		"/link tick-mb3k2q1z-1a2b3c4d":                 {Verb: messages.VerbLink, Arg: "tick-mb3k2q1z-1a2b3c4d"},
		"/link  (TICK-MB3K2Q1Z-1A2B3C4D).":             {Verb: messages.VerbLink, Arg: "TICK-MB3K2Q1Z-1A2B3C4D"},
		"/link":                                        {Verb: messages.VerbLink},
		"/mention":                                     mention(),
		"/mention @bob":                                mention("bob"),
		"/mention bob":                                 mention("bob"),
		"/mention Bob please look":                     mention("Bob"),
		"/mention please, @Bob_1!":                     mention("Bob_1"),
		"/mention @bob @ann,@bob":                      mention("bob", "ann"),
		"/mention 😀 @bob":                              mention("bob"),
		"/mention 😀@bob":                               mention("bob"),
		"/mention \u200f\u200b@bob\u200e":              mention("bob"),
		"/mention 👩‍💻 bob":                             mention("bob"),
		"/mention 👩‍💻bob":                              mention("bob"),
		"/mention\u00a0bob":                            mention("bob"),
		"/mention สมชาย":                               mention("สมชาย"),
		"/mention @":                                   mention(),
		"/mention a@example.org":                       mention("a@example.org"),
	} {
		t.Run(text, func(t *testing.T) {
			got, ok := ParseCommand(text, nil, ourBot)
			if !ok {
				t.Fatal("taken for text")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
	for _, text := range []string{
		"", "/", "//", "// note", "hello", " /help", "\u200f/help", "see /help", "/unheard_of", "/unheard_of@TopicDeskBot", "/helpme", "/help/me", "/help<b>",
		"/helpก", "/help\u0e49", "/tickéts", "／help", "/@TopicDeskBot", "/" + strings.Repeat("x", 65),
	} {
		t.Run("text: "+text, func(t *testing.T) {
			if c, ok := ParseCommand(text, nil, ourBot); ok {
				t.Errorf("taken for %+v", c)
			}
		})
	}
	t.Run("a person without username is named by a text mention, offsets in UTF-16", func(t *testing.T) {
		text := "/mention 😀 Bob @Smith and @ann"
		got, ok := ParseCommand(text, []*messages.Entity{
			{Type: "bot_command", Offset: 0, Length: 8},
			{Type: "text_mention", Offset: 12, Length: 10, UserId: 7},
			{Type: "mention", Offset: 27, Length: 4},
		}, ourBot)
		want := SlashCommand{Verb: messages.VerbMention, Targets: []Target{{UserID: 7}, {Username: "ann"}}}
		if d := cmp.Diff(want, got); !ok || d != "" {
			t.Error(d)
		}
	})
	t.Run("stray entities do no harm", func(t *testing.T) {
		for _, e := range []*messages.Entity{
			nil, {}, {Type: "text_mention", Offset: -1, Length: 5, UserId: 7}, {Type: "text_mention", Offset: 1 << 30, Length: 1 << 30, UserId: 7},
			{Type: "text_mention", Offset: 2, Length: -9, UserId: 7}, {Type: "text_mention", Offset: 0, Length: 3, UserId: 7},
		} {
			got, ok := ParseCommand("/mention bob", []*messages.Entity{e}, ourBot)
			if d := cmp.Diff(mention("bob"), got); !ok || d != "" {
				t.Error(e, d)
			}
		}
	})
	t.Run("at most ten people", func(t *testing.T) {
		got, _ := ParseCommand("/mention"+strings.Repeat(" @a1 @a2 @a3 @a4 @a5 @a6 @a7 @a8 @a9 @b1 @b2 @b3", 3), nil, ourBot)
		if len(got.Targets) != 10 {
			t.Error(len(got.Targets))
		}
	})
}

func TestBesideCommand(t *testing.T) {
	for text, want := range map[string]string{
		"no command":                              "no command",
		"/priority low":                           "",
		"/priority low the crack":                 "the crack",
		"/priority\n🔥 High, please\nlook":         "please\nlook",
		"/priority":                               "",
		"/ticket look at this":                    "look at this",
		"/ticket@topicdeskbot  ดูนี่ ":            "ดูนี่",
		"/scan@other_bot now":                     "",
		"/close_ticket it works":                  "",
		"/create_ticket Title\ndescription":       "",
		"/link TICK-1-AAAAAAAA. see":              "see",
		"/mention @bob":                           "",
		"/mention bob":                            "",
		"/mention @bob @ann":                      "",
		"/mention @bob please look":               "@bob please look",
		"/mention Bob Jr":                         "",
		"/mention Bob Jr please":                  "Bob Jr please",
		"/unknown word":                           "/unknown word",
		"/priority low\n// for our eyes only":     "// for our eyes only",
		"/priority\u200blow\u200b the\u200bcrack": "the\u200bcrack",
	} {
		var entities []*messages.Entity
		if strings.Contains(text, "Bob Jr") {
			entities = []*messages.Entity{{Type: "text_mention", Offset: 9, Length: 6, UserId: 5}}
		}
		if got, _ := besideCommand(text, entities, ourBot); got != want {
			t.Errorf("%q leaves %q, want %q", text, got, want)
		}
	}
	t.Run("markup moves along", func(t *testing.T) {
		_, got := besideCommand("/ticket 😀 the crack", []*messages.Entity{
			{Type: "bot_command", Length: 7}, {Type: "italic", Offset: 5, Length: 8}, {Type: "bold", Offset: 15, Length: 5},
		}, ourBot)
		want := []*messages.Entity{{Type: "italic", Length: 5}, {Type: "bold", Offset: 7, Length: 5}}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{
		"/create_ticket \"a\" b\nc", "/mention 😀 @bob", "/close_ticket@TopicDeskBot done", "/link tick-1-AAAAAAAA", "// x", "/priority High", "/create_ticket “x” “y",
	} {
		f.Add(s, int32(0), int32(8), int64(5))
	}
	f.Fuzz(func(t *testing.T, text string, offset, length int32, user int64) {
		if !utf8.ValidString(text) {
			t.Skip("json has no such strings")
		}
		entities := []*messages.Entity{{Type: "text_mention", Offset: offset, Length: length, UserId: user}}
		if rest, _ := besideCommand(text, entities, ourBot); !strings.Contains(text, rest) {
			t.Errorf("%q leaves %q", text, rest)
		}
		c, ok := ParseCommand(text, entities, ourBot)
		if !ok {
			if c.Verb != "" || c.Foreign {
				t.Fatalf("%q: text, and yet %+v", text, c)
			}
			return
		}
		if c.Foreign {
			return
		}
		for _, s := range []string{c.Title, c.Description.Text, c.Arg} {
			if !utf8.ValidString(s) || s != trim(s) {
				t.Fatalf("%q: %q", text, s)
			}
		}
		// A command that is written out and parsed again is the same, but for the markup.
		c.Targets, c.Description.Entities = usernames(c.Targets), nil
		again, ok := ParseCommand(c.String(), nil, ourBot)
		if !ok {
			t.Fatalf("%q became %q: text", text, c.String())
		}
		if d := cmp.Diff(c, again); d != "" && !strings.ContainsAny(c.Title, `"»`) {
			t.Fatalf("%q became %q: %s", text, c.String(), d)
		}
	})
}

// usernames returns the targets that can be written without entities.
func usernames(targets []Target) (out []Target) {
	for _, t := range targets {
		if name, rest := nameAt(t.Username); name != "" && rest == "" {
			out = append(out, t)
		}
	}
	return out
}
