package bot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/BurntSushi/toml"
	"github.com/go-telegram/bot/models"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

var languages = []string{langEnglish, langThai}

// ownTexts are the texts of the catalogue that are not in messages/notices.go.
func ownTexts() []string {
	own := []string{textOpenLink, textOpenDesk, textCardAskedBy, textCardState, textCardOpenedBy, textCardCustomer, textCardAssignee, textCardCloses, textCardFollows, textCardLinked, textCardReader, textMore, textListOpened, textListAssignee, textListSince, textListHelped, textListDesk, textListCustomer, textAgeMinutes, textAgeHours, textAgeDays, textContextHeading, textContextNone, textContextDeleted,
		"status_open", "status_pending", "status_closed", "priority_low", "priority_normal", "priority_high", "priority_urgent",
		"language_en", "language_th", textMediaOther, "media_quiz", textForwarded, textInReplyTo, textReplyDeleted, textProtected, textCardPrivate, textCardGroup, textCardBehind, textCardSuspended, textCardBlocked, textCopyEdited}
	for _, kind := range messages.MediaKinds {
		own = append(own, "media_"+kind)
	}
	for _, k := range messages.Problems {
		own = append(own, "problem_"+k.Kind, "advice_"+k.Kind)
	}
	sealed, _ := messages.AdviceOf(messages.ProblemWebhookFailing, messages.WebhookSealed)
	own = append(own, "advice_"+sealed)
	for setting, values := range messages.Settings {
		for _, value := range values {
			own = append(own, messages.ButtonOfSetting(setting, value))
		}
	}
	for _, c := range messages.SlashCommands {
		own = append(own, "cmd_"+c.Verb)
	}
	return own
}

// catalogue reads a language's texts from its file; plural forms of a text are concatenated.
func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	var raw map[string]any
	data, err := locales.ReadFile("locales/" + lang + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for key, value := range raw {
		switch v := value.(type) {
		case string:
			texts[key] = v
		case map[string]any:
			for _, form := range v {
				texts[key] += form.(string)
			}
		}
	}
	return texts
}

func TestCatalogueIsComplete(t *testing.T) {
	for _, lang := range languages {
		texts := catalogue(t, lang)
		for _, key := range slices.Concat(allTexts(t), ownTexts()) {
			if strings.TrimSpace(texts[key]) == "" {
				t.Errorf("%s: no text for %s", lang, key)
			}
			delete(texts, key)
		}
		for key := range texts {
			verb, isArgs := strings.CutPrefix(key, "args_")
			if own, isCommand := strings.CutPrefix(key, "cmd_"); isCommand {
				verb, isArgs = strings.CutSuffix(own, "_private")
			}
			if _, known := messages.CommandOf(verb); !isArgs || !known {
				t.Errorf("%s: nobody uses %s", lang, key)
			}
		}
	}
	if a, b := slices.Sorted(maps.Keys(catalogue(t, langEnglish))), slices.Sorted(maps.Keys(catalogue(t, langThai))); !slices.Equal(a, b) {
		t.Error(cmp.Diff(a, b))
	}
}

var fieldName = regexp.MustCompile(`\.([a-z_]+)`)

// placeholders are the names that a text uses, each once.
func placeholders(text string) []string {
	names := map[string]bool{}
	for _, action := range regexp.MustCompile(`\{\{.*?\}\}`).FindAllString(text, -1) {
		for _, m := range fieldName.FindAllStringSubmatch(action, -1) {
			names[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// declared reads the texts of one kind from messages/notices.go, in their order, with the comment beside each.
func declared(t *testing.T, prefix string) (keys []string, comments map[string]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../messages/notices.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments = map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) || len(spec.Values) != 1 {
			return true
		}
		key, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		keys, comments[key] = append(keys, key), spec.Comment.Text()
		return true
	})
	if len(keys) == 0 {
		t.Fatalf("no %s… is declared", prefix)
	}
	return keys, comments
}

// allTexts are the texts that actors name, those of buttons among them.
func allTexts(t *testing.T) []string {
	t.Helper()
	notices, _ := declared(t, "Notice")
	buttons, _ := declared(t, "Button")
	return append(notices, buttons...)
}

// documented says which arguments each notice has: the words before the ";" of its comment.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	_, comments := declared(t, "Notice")
	args := map[string][]string{}
	for key, comment := range comments {
		list, _, _ := strings.Cut(comment, ";")
		list = regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(list, "")
		names := []string{}
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); regexp.MustCompile(`^[a-z]+$`).MatchString(name) {
				names = append(names, name)
			} else if name != "" {
				names = nil
				break
			}
		}
		slices.Sort(names)
		args[key] = names
	}
	return args
}

func TestTextsUseTheirArguments(t *testing.T) {
	docs := documented(t)
	for _, lang := range languages {
		texts := catalogue(t, lang)
		for key, args := range docs {
			if _, help := helpPlaces[key]; help {
				args = []string{"commands"}
			}
			if got := placeholders(texts[key]); !slices.Equal(got, args) {
				t.Errorf("%s %s uses %v, documented are %v", lang, key, got, args)
			}
		}
	}
	en, th := catalogue(t, langEnglish), catalogue(t, langThai)
	for key := range en {
		if a, b := placeholders(en[key]), placeholders(th[key]); !slices.Equal(a, b) {
			t.Errorf("%s uses %v in English, %v in Thai", key, a, b)
		}
	}
}

// samples are values for all arguments that there are.
var samples = map[string]string{
	"nodelete": "yes", "nopin": "yes", "self": "",
	"name": "Ann Lee", "file": "bill.pdf", "webhook": "CRM", "host": "hooks.example.com", "days": "3", "error": "the receiver answered 503", "failing": "1", "gone": "", "found": "Win.Test.EICAR_HDB-1", "who": "Bob", "home": "Support", "team": "Carl, Dora", "groups": "Back office", "title": "Printer is on fire", "group": "Back office", "ticket": "#42 Printer is on fire",
	"command": "mention", "url": "https://t.me/c/1234567890/42", "why": "not enough rights", "reason": "no toner", "given": "@carol",
	"limit": "50 MB", "type": "text/x-shellscript", "pixels": "9000 × 9000", "max": "128", "count": "3", "left": "2", "lang": "th", "priority": "high",
	"words": "yes", "text": "It is under warranty", "local": "yes", "problem": "group_lag", "advice": "group_lag", "subject": "Support", "detail": "3 min", "minutes": "12",
	"hours": "Mon-Fri 09:00-18:00 Asia/Bangkok", "apart": "2026-12-25 closed", "at": "Mon 7 Dec 09:00 (Asia/Bangkok)",
	"after": "4320", "notice": "1440",
	"low": "0", "normal": "240", "high": "120", "urgent": "90",
}

// golden compares got with a file of testdata, or writes it when UPDATE_GOLDEN is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (UPDATE_GOLDEN=1 accepts):\n%s", path, diff)
	}
}

// show writes a text with its entities: <bold>…</bold>, <text_link https://…>…</text_link>.
func show(r Rich) string {
	units := utf16.Encode([]rune(r.Text))
	var b strings.Builder
	for i := 0; i <= len(units); i++ {
		for _, e := range slices.Backward(r.Entities) {
			if e.Offset+e.Length == i {
				b.WriteString("</" + string(e.Type) + ">")
			}
		}
		for _, e := range r.Entities {
			if e.Offset == i {
				b.WriteString(strings.TrimSpace("<"+string(e.Type)+" "+e.URL) + ">")
			}
		}
		if i < len(units) {
			if isHigh(units[i]) && i+1 < len(units) {
				b.WriteString(string(utf16.Decode(units[i : i+2])))
				i++
			} else {
				b.WriteString(string(utf16.Decode(units[i : i+1])))
			}
		}
	}
	return b.String()
}

func TestNoticesReadWell(t *testing.T) {
	for _, lang := range languages {
		var b strings.Builder
		for _, key := range allTexts(t) {
			b.WriteString("---- " + key + "\n" + show(Text(lang, key, samples)) + "\n")
		}
		for _, key := range []string{messages.NoticeTicketClosed, messages.NoticeTicketCreated, messages.NoticeMentioned, messages.NoticePriorityUsage} {
			args := maps.Clone(samples)
			for _, name := range []string{"reason", "url", "given"} {
				delete(args, name)
			}
			b.WriteString("---- " + key + " (bare)\n" + show(Text(lang, key, args)) + "\n")
		}
		b.WriteString("---- no_tickets (private)\n" + show(Text(lang, messages.NoticeNoTickets, nil)) + "\n")
		one := Text(lang, messages.NoticeMyTickets, map[string]string{"count": "1"})
		b.WriteString("---- my_tickets (one)\n" + show(one) + "\n")
		golden(t, "notices."+lang+".txt", b.String())
	}
}

// What is shown says where the rest is, and who may change it.
func TestTextsPointTo(t *testing.T) {
	check := func(lang, key string, parts ...string) {
		t.Helper()
		text := Text(lang, key, samples).Text
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s in %s does not say %q: %s", key, lang, part, text)
			}
		}
	}
	for _, lang := range languages {
		check(lang, messages.NoticeMyTickets, "/tickets all", "/mine")
		check(lang, messages.NoticeNoTickets, "/tickets all")
		check(lang, messages.NoticeMentionUnknown, "/start", "/default_group", "/mention")
		for _, key := range []string{messages.NoticeAnswerWithinShown, messages.NoticeAutoCloseShown, messages.NoticeHoursShown} {
			check(lang, key, map[string]string{langEnglish: "Administrators change this", langThai: "ผู้ดูแลกลุ่มเปลี่ยนได้"}[lang])
		}
	}
}

// Of a webhook whose secrets can't be opened, the other system can mend nothing.
func TestAdviceForALostKey(t *testing.T) {
	key, advice := messages.AdviceOf(messages.ProblemWebhookFailing, messages.WebhookSealed)
	if said := Text(langEnglish, "advice_"+key, nil).Text; said != advice || !strings.Contains(advice, "secrets.key") {
		t.Errorf("the catalogue says %q, programs read %q", said, advice)
	}
	if key, _ := messages.AdviceOf(messages.ProblemWebhookFailing, "the receiver answered 503"); key != messages.ProblemWebhookFailing {
		t.Errorf("another error has the advice %q", key)
	}
}

func TestValuesAreLiteral(t *testing.T) {
	for _, value := range []string{
		"{{.ticket}} {{end}}", "{{", "\x00ticket\x00", "<b>bold</b> *x* _y_ `z` [a](b)", "\u202eevil", "a\n\nb", "%s %d", "& < >",
	} {
		got := Text(langEnglish, messages.NoticeTicketRenamed, map[string]string{"who": "Bob", "title": value})
		value = messages.WithoutDirection(value) // else it would turn around what follows
		if want := "✏️ Bob changed the title to " + value + "."; got.Text != want {
			t.Errorf("got %q, want %q", got.Text, want)
		}
		if len(got.Entities) != 2 || got.Entities[1].Length != messages.UTF16Len(value) {
			t.Errorf("entities of %q: %+v", got.Text, got.Entities)
		}
	}
}

func TestNamesTurnNothingRound(t *testing.T) {
	for name, want := range map[string]string{"Eve\u202e Lee\u2066": "Eve Lee", "علي": "علي"} {
		got := Text(langEnglish, messages.NoticeTicketClosed, map[string]string{"who": name, "ticket": "TICK-1"}).Text
		if !strings.HasPrefix(got, "🔒 "+want+" closed this ticket.") || oneLine(name) != want {
			t.Errorf("%q gives %q, %q", name, got, oneLine(name))
		}
	}
}

// What a receiver answers is shown to people, and may say anything.
func TestReceiversWordsAreInert(t *testing.T) {
	const words = "sign in at t.me/evil_bot, ask @carl\u202e"
	for _, lang := range languages {
		got := Text(lang, messages.NoticeWebhookFailing, map[string]string{"webhook": "CRM", "host": "crm.example.com\u202e", "error": words})
		units := utf16.Encode([]rune(got.Text))
		shown := false
		for _, e := range got.Entities {
			part := string(utf16.Decode(units[e.Offset : e.Offset+e.Length]))
			shown = shown || e.Type == models.MessageEntityTypeCode && part == strings.TrimSuffix(words, "\u202e")
		}
		if !shown || strings.ContainsFunc(got.Text, messages.Directs) {
			t.Errorf("%q %v", got.Text, got.Entities)
		}
	}
}

func TestTextsFit(t *testing.T) {
	keys := allTexts(t)
	rapid.Check(t, func(t *rapid.T) {
		args := map[string]string{}
		for name := range samples {
			s := texts.Draw(t, name)
			args[name] = strings.Repeat(s, rapid.SampledFrom([]int{1, 1, 40, 400}).Draw(t, "repeat"))
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		lang := rapid.SampledFrom(languages).Draw(t, "lang")
		checkRich(t, Text(lang, key, args), maxText)
	})
}

// checkRich says what Telegram would refuse, or what would look wrong, in a text.
func checkRich(t interface {
	Helper()
	Fatalf(string, ...any)
}, r Rich, limit int) {
	t.Helper()
	units := utf16.Encode([]rune(r.Text))
	if len(units) > limit || len(units) == 0 {
		t.Fatalf("%d units: %q", len(units), r.Text)
	}
	for _, e := range r.Entities {
		end := e.Offset + e.Length
		if e.Offset < 0 || e.Length <= 0 || end > len(units) {
			t.Fatalf("entity %+v of %d units", e, len(units))
		}
		if end < len(units) && isLow(units[end]) && isHigh(units[end-1]) ||
			e.Offset > 0 && isLow(units[e.Offset]) && isHigh(units[e.Offset-1]) {
			t.Fatalf("entity %+v tears a surrogate pair apart", e)
		}
	}
}

func TestTextInAnyLanguage(t *testing.T) {
	for lang, want := range map[string]string{"en": "Done", "": "Done", "de": "Done", "th": "เรียบร้อย", "th-TH": "เรียบร้อย", "TH": "เรียบร้อย"} {
		if got := Text(lang, messages.NoticeDone, nil).Text; got != want {
			t.Errorf("%q: %q", lang, got)
		}
	}
	if got := Text("en", "no_such_text", nil).Text; got != "no_such_text" {
		t.Errorf("a missing text is %q", got)
	}
}

func TestMenus(t *testing.T) {
	shown := map[string]bool{}
	for _, m := range commandMenus() {
		if len(m.commands) == 0 || len(m.commands) > 100 {
			t.Errorf("%d commands", len(m.commands))
		}
		for _, c := range m.commands {
			shown[c.Command] = true
			if n := messages.UTF16Len(c.Description); n == 0 || n > 256 ||
				!regexp.MustCompile(`^[a-z0-9_]{1,32}$`).MatchString(c.Command) {
				t.Errorf("%q: %q", c.Command, c.Description)
			}
			if parsed, ok := ParseCommand("/"+c.Command, nil, "bot"); !ok || parsed.Verb != c.Command {
				t.Errorf("/%s is in the menu, but no command", c.Command)
			}
		}
	}
	for _, c := range messages.SlashCommands {
		if !shown[c.Verb] {
			t.Errorf("/%s is in no menu", c.Verb)
		}
	}
}

func TestProblemsSayTheSameToPeopleAndPrograms(t *testing.T) {
	texts := catalogue(t, langEnglish)
	for _, k := range messages.Problems {
		if texts["problem_"+k.Kind] != k.Title || texts["advice_"+k.Kind] != k.Advice {
			t.Errorf("%s: the catalogue says %q and %q", k.Kind, texts["problem_"+k.Kind], texts["advice_"+k.Kind])
		}
	}
}
