package bot

import (
	"bytes"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// unlinking is the message by which the chat notes the command, under another id.
func unlinking(o *messages.Origin) { o.CommandId = messages.UnlinkID(o.CommandId, o.ThreadId) }

func TestIntakeCommandsInATicketsTopic(t *testing.T) {
	toTicket := func(m proto.Message) []sent { return []sent{{"ticket/" + aTicket, m}} }
	second := func(o *messages.Origin) { o.CommandId += ":2" }
	for text, want := range map[string][]sent{
		"/close_ticket":              toTicket(&messages.CloseTicket{Origin: annHere()}),
		"/close_ticket Sold":         toTicket(&messages.CloseTicket{Origin: annHere(), Reason: "Sold"}),
		"/reopen_ticket":             toTicket(&messages.ReopenTicket{Origin: annHere()}),
		"/delete":                    toTicket(&messages.DeleteMessage{Origin: annHere()}),
		"/pending":                   toTicket(&messages.SetPending{Origin: annHere()}),
		"/priority High":             toTicket(&messages.SetPriority{Origin: annHere(), Priority: "high"}),
		"/priority ด่วน":             toTicket(&messages.SetPriority{Origin: annHere(), Priority: "urgent"}),
		"/priority":                  toTicket(&messages.SetPriority{Origin: annHere()}),
		"/claim":                     toTicket(&messages.ClaimTicket{Origin: annHere()}),
		"/release":                   toTicket(&messages.ReleaseTicket{Origin: annHere()}),
		"/assign":                    toTicket(&messages.AssignTicket{Origin: annHere()}),
		"/assign @Bob @ann":          toTicket(&messages.AssignTicket{Origin: annHere(), Username: "Bob"}),
		"/ticket":                    toTicket(&messages.ShowTicket{Origin: annHere()}),
		"/unlink":                    append([]sent{{"chat/g7", &messages.Answer{Origin: annHere(unlinking)}}}, toTicket(&messages.UnlinkTopic{Origin: annHere()})...),
		"/mention":                   toTicket(&messages.Mention{Origin: annHere()}),
		"/mention @Bob":              toTicket(&messages.Mention{Origin: annHere(), Username: "Bob"}),
		"/help":                      {notice(annHere(), messages.NoticeHelpTopic)},
		"/link " + otherTicket:       {{"ticket/" + otherTicket, &messages.LinkTopic{Origin: annHere(), CurrentTicketId: aTicket}}},
		"/mention @bob and @ann":     append(toTicket(&messages.Mention{Origin: annHere(), Username: "bob"}), toTicket(&messages.Mention{Origin: annHere(second), Username: "ann"})...),
		"/close_ticket@topicdeskbot": toTicket(&messages.CloseTicket{Origin: annHere()}),
	} {
		t.Run(text, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), topicMessage(`"text":"`+text+`"`))
			check(t, want, d.take())
		})
	}
}

func TestIntakeCommandsElsewhere(t *testing.T) {
	here := annHere(inThread(closedTopic))
	general := annHere(inThread(0))
	alone := annHere(privately)
	command := func(verb string) func(*messages.Operation) { return with("command", verb) }
	profile := func(o *messages.Origin) sent {
		o = proto.CloneOf(o)
		o.CommandId += ":profile"
		return sent{"user/5", &messages.SaveProfile{Origin: o}}
	}
	asPrivate := func(text string) string { return private + `"text":"` + text + `"}}` }
	for name, tc := range map[string]struct {
		raw  string
		want []sent
	}{
		"close":            {elsewhere(`"text":"/close_ticket"`), []sent{notice(here, messages.NoticeUnavailableHere, command("/close_ticket"))}},
		"mention":          {elsewhere(`"text":"/mention @bob @ann"`), []sent{notice(here, messages.NoticeUnavailableHere, command("/mention"))}},
		"unlink":           {elsewhere(`"text":"/unlink"`), []sent{notice(annHere(inThread(closedTopic), unlinking), messages.NoticeUnlinkNone)}},
		"ticket":           {asPrivate("/ticket"), []sent{notice(alone, messages.NoticePrivateNoTicket, command("/ticket"))}},
		"help":             {elsewhere(`"text":"/help"`), []sent{notice(here, messages.NoticeHelpGroup)}},
		"private help":     {asPrivate("/help"), []sent{notice(alone, messages.NoticeHelpPrivate)}},
		"private start":    {asPrivate("/start x"), []sent{profile(alone), notice(alone, messages.NoticeWelcome, with("name", "Ann"))}},
		"start":            {inGeneral(`"text":"/start"`), []sent{profile(general), notice(general, messages.NoticeHelpGroup)}},
		"private create":   {asPrivate("/create_ticket x"), []sent{{"user/5", &messages.DraftTicket{Origin: alone, TicketId: messages.TicketID("5:50", someDate), Title: "x"}}}},
		"private public":   {asPrivate("/public"), []sent{notice(alone, messages.NoticeOnlyInGroup, command("/public"))}},
		"public":           {inGeneral(`"text":"/public ON"`), []sent{{"group/g7", &messages.SetPublic{Origin: general, Wanted: "on"}}}},
		"settings":         {inGeneral(`"text":"/settings"`), []sent{{"group/g7", &messages.ShowSettings{Origin: general}}}},
		"autoclaim":        {inGeneral(`"text":"/autoclaim Off"`), []sent{{"group/g7", &messages.SetAutoClaim{Origin: general, Wanted: "off"}}}},
		"private claim":    {asPrivate("/claim"), []sent{notice(alone, messages.NoticePrivateUnhere, command("/claim"))}},
		"claim":            {elsewhere(`"text":"/claim"`), []sent{notice(here, messages.NoticeUnavailableHere, command("/claim"))}},
		"private mention":  {asPrivate("/mention @bob"), []sent{notice(alone, messages.NoticePrivateUnhere, command("/mention"))}},
		"private register": {asPrivate("/register"), []sent{notice(alone, messages.NoticeOnlyInGroup, command("/register"))}},
		"private default":  {asPrivate("/default_group"), []sent{notice(alone, messages.NoticeOnlyInGroup, command("/default_group"))}},
		"private link":     {asPrivate("/link " + aTicket), []sent{notice(alone, messages.NoticePrivateUnhere, command("/link"))}},
		"register":         {inGeneral(`"text":"/register"`), []sent{{"group/g7", &messages.RegisterGroup{Origin: general, Title: "Support", Type: "supergroup", IsForum: true}}}},
		"register an unknown group": {inGeneral(`"text":"/register","chat":{"id":-1009,"type":"group","title":"New"}`), []sent{{"group/g-1009", &messages.RegisterGroup{
			Origin: annHere(inThread(0), func(o *messages.Origin) { o.CommandId, o.Place, o.ChatId = "-1009:50", "g-1009", -1009 }), Title: "New", Type: "group", IsForum: true}}}},
		"register a group that may not": {inGeneral(`"text":"/register","chat":{"id":-1666,"type":"group","title":"New"}`), []sent{notice(
			annHere(inThread(0), func(o *messages.Origin) { o.CommandId, o.Place, o.ChatId = "-1666:50", "g-1666", -1666 }), messages.NoticeGroupNotAllowed)}},
		"default group": {inGeneral(`"text":"/default_group"`), []sent{profile(general),
			notice(general, messages.NoticeDefaultGroupSet, with("title", "Support", "name", "Ann")),
			{"user/5", &messages.SetDefaultGroup{Origin: general, GroupId: "g7"}}}},
		"language of a group": {inGeneral(`"text":"/lang TH"`), []sent{{"group/g7", &messages.SetGroupLanguage{Origin: general, Lang: "th"}}}},
		"unknown language":    {inGeneral(`"text":"/lang fr"`), []sent{notice(general, messages.NoticeLangUsage)}},
		"language of a person": {asPrivate("/lang th"), []sent{profile(alone), {"user/5", &messages.SetUserLanguage{Origin: alone, Lang: "th"}},
			notice(alone, messages.NoticeLangSet, with("lang", "th"), func(op *messages.Operation) { op.Lang = "th" })}},
		"no tickets":            {asPrivate("/tickets"), []sent{notice(alone, messages.NoticeNoTickets)}},
		"link":                  {elsewhere(`"text":"/link ` + strings.ToLower(aTicket) + `"`), []sent{{"ticket/" + aTicket, &messages.LinkTopic{Origin: here}}}},
		"link without a ticket": {elsewhere(`"text":"/link"`), []sent{notice(here, messages.NoticeLinkUsage)}},
		"link with nonsense":    {elsewhere(`"text":"/link tick-tock"`), []sent{notice(here, messages.NoticeTicketUnknown, with("given", "tick-tock"))}},
		"link in general":       {inGeneral(`"text":"/link ` + aTicket + `"`), []sent{notice(general, messages.NoticeLinkNeedsTopic)}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), tc.raw)
			check(t, tc.want, d.take())
		})
	}
	t.Run("tickets", func(t *testing.T) {
		d := newFake()
		d.tickets = []*messages.TicketView{{TicketId: aTicket}, {TicketId: otherTicket}}
		handle(t, testIntake(d), elsewhere(`"text":"/tickets"`))
		check(t, []sent{notice(here, messages.NoticeMyTickets, with("count", "2", "title", "Support"), func(op *messages.Operation) { op.GetSendNotice().Tickets = d.tickets })}, d.take())
	})
	t.Run("in private the language that the person chose", func(t *testing.T) {
		d := newFake()
		d.users[5] = &messages.UserView{Code: messages.Code_OK, Lang: "th"}
		handle(t, testIntake(d), asPrivate("/help"))
		check(t, []sent{notice(alone, messages.NoticeHelpPrivate, func(op *messages.Operation) { op.Lang = "th" })}, d.take())
	})
	t.Run("a default group that is it already", func(t *testing.T) {
		d := newFake()
		d.users[5] = &messages.UserView{Code: messages.Code_OK, DefaultGroupId: "g7"}
		handle(t, testIntake(d), inGeneral(`"text":"/default_group"`))
		if got := d.take(); got[len(got)-2].Message.(*messages.Answer).Operation.GetSendNotice().Key != messages.NoticeDefaultGroupAlready {
			t.Error(got)
		}
	})
	t.Run("an anonymous administrator has no default group", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), inGeneral(`"text":"/default_group","from":{"id":1087968824,"is_bot":true},"sender_chat":{"id":-1001,"type":"supergroup"}`))
		if got := d.take(); len(got) != 1 || got[0].Message.(*messages.Answer).Operation.GetSendNotice().Key != messages.NoticeAnonymous {
			t.Error(got)
		}
	})
	t.Run("a link to no ticket", func(t *testing.T) {
		d := newFake()
		d.reply = func(to string, _ proto.Message) (*messages.Reply, error) {
			if to == "ticket/"+otherTicket {
				return &messages.Reply{Code: messages.Code_NOT_FOUND}, nil
			}
			return nil, nil
		}
		handle(t, testIntake(d), elsewhere(`"text":"/link `+otherTicket+`"`))
		check(t, []sent{notice(here, messages.NoticeTicketUnknown, with("given", otherTicket))}, d.take())
	})
	t.Run("after a link the topic belongs to the ticket at once", func(t *testing.T) {
		d := newFake()
		in := testIntake(d)
		handle(t, in, elsewhere(`"text":"/link `+aTicket+`"`))
		d.topics[topic("g7", closedTopic)] = aTicket
		handle(t, in, elsewhere(`"text":"hello","message_id":51`))
		if got := d.take(); len(got) != 2 || got[1].To != "ticket/"+aTicket {
			t.Error(got)
		}
	})
	t.Run("after an unlink it belongs to none at once", func(t *testing.T) {
		d := newFake()
		in := testIntake(d)
		handle(t, in, topicMessage(`"text":"hello","message_id":49`))
		handle(t, in, topicMessage(`"text":"/unlink"`))
		delete(d.topics, topic("g7", 42))
		handle(t, in, topicMessage(`"text":"hello","message_id":51`))
		if got := d.take(); len(got) != 3 {
			t.Error(got)
		}
	})
}

func TestEveryCommandHasAHandler(t *testing.T) {
	for _, c := range messages.SlashCommands {
		if handlers[c.Verb] == nil {
			t.Errorf("/%s is declared, and nobody carries it out", c.Verb)
		}
	}
	for verb := range handlers {
		if _, ok := messages.CommandOf(verb); !ok {
			t.Errorf("/%s is carried out, and nobody declared it", verb)
		}
	}
}

func TestIntakeCommandWithoutAHandler(t *testing.T) {
	kept := handlers[messages.VerbPending]
	delete(handlers, messages.VerbPending)
	t.Cleanup(func() { handlers[messages.VerbPending] = kept })
	for name, tc := range map[string]struct {
		raw  string
		want sent
	}{
		"in the ticket's topic": {topicMessage(`"text":"/pending"`), notice(annHere(), messages.NoticeUnavailableHere, with("command", "/pending"))},
		"in private":            {private + `"text":"/pending"}}`, notice(annHere(privately), messages.NoticePrivateUnhere, with("command", "/pending"))},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			d := newFake()
			in := testIntake(d)
			in.log = slog.New(slog.NewTextHandler(&log, nil))
			handle(t, in, tc.raw)
			check(t, []sent{tc.want}, d.take())
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "verb=pending") {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}

// TestIntakeCommandsInTheWrongPlace gives every command wherever it can't be given.
func TestIntakeCommandsInTheWrongPlace(t *testing.T) {
	const text = `"text":"/%s"`
	for _, c := range messages.SlashCommands {
		for _, at := range []struct {
			place messages.Places
			raw   string
			o     *messages.Origin
		}{
			{messages.InPrivate, private + text + `}}`, annHere(privately)},
			{messages.InGroup, elsewhere(text), annHere(inThread(closedTopic))},
			{messages.InTopic, topicMessage(text), annHere()},
		} {
			if c.Where.Have(at.place) {
				continue
			}
			d := newFake()
			handle(t, testIntake(d), fmt.Sprintf(at.raw, c.Verb))
			key := messages.NoticeUnavailableHere
			if at.place == messages.InPrivate && c.About == messages.AboutTicket {
				key = messages.NoticePrivateUnhere
			} else if at.place == messages.InPrivate {
				key = messages.NoticeOnlyInGroup
			}
			check(t, []sent{notice(at.o, key, with("command", "/"+c.Verb))}, d.take())
		}
	}
}

func TestIntakeCreateTicket(t *testing.T) {
	here := annHere(inThread(0))
	id := messages.TicketID(here.CommandId, here.DateMs)
	open := func(title, description string, media ...string) []sent {
		m := &messages.OpenTicket{Origin: here, TicketId: id, GroupId: "g7", Title: title, Description: description}
		for _, medium := range media { // "<message id> <kind>"
			of, kind, _ := strings.Cut(medium, " ")
			m.Enclosures = append(m.Enclosures, &messages.Enclosure{
				MessageId: strconv.FormatInt(here.ChatId, 10) + ":" + of,
				Content:   &messages.Content{Media: &messages.Media{Kind: kind}},
			})
		}
		return []sent{{"ticket/" + id, m}}
	}
	forced := func(op *messages.Operation) { op.GetSendNotice().ForceReply = true }
	long := strings.Repeat("ก", 256)
	words := strings.TrimSpace(strings.Repeat("The printer on the second floor prints nothing but the letter Q. ", 5))
	for name, tc := range map[string]struct {
		fields string
		want   []sent
	}{
		"with a title":                      {`"text":"/create_ticket Printer"`, open("Printer", "")},
		"and a description":                 {`"text":"/create_ticket Printer\nsmokes"`, open("Printer", "smokes")},
		"in quotes":                         {`"text":"/create_ticket \"Printer broken\" smokes"`, open("Printer broken", "smokes")},
		"without a title it asks":           {`"text":"/create_ticket"`, []sent{notice(here, messages.NoticeAskTitle, forced)}},
		"the answer is the title":           {`"text":"Printer\nsmokes","reply_to_message":{"message_id":49,"from":{"id":999,"is_bot":true},"text":"` + askTitle + `"}`, open("Printer", "smokes")},
		"someone else's is not":             {`"text":"Printer","reply_to_message":{"message_id":49,"from":{"id":8,"is_bot":true},"text":"` + askTitle + `"}`, nil},
		"asking is not a question":          {`"text":"/create_ticket","reply_to_message":{"message_id":49,"from":{"id":999,"is_bot":true},"text":"` + askTitle + `"}`, []sent{notice(here, messages.NoticeAskTitle, forced)}},
		"in reply, with a title":            {`"text":"/create_ticket Printer","reply_to_message":{"message_id":49,"text":"It smokes"}`, open("Printer", "It smokes")},
		"in reply, with both":               {`"text":"/create_ticket Printer\nUrgent","reply_to_message":{"message_id":49,"text":"It smokes"}`, open("Printer", "Urgent\n\nIt smokes")},
		"in reply, without a title":         {`"text":"/create_ticket","reply_to_message":{"message_id":49,"text":"It smokes\na lot"}`, open("It smokes", "It smokes\na lot")},
		"in reply to a long one":            {`"text":"/create_ticket","reply_to_message":{"message_id":49,"text":"` + long + `"}`, open(strings.Repeat("ก", 59)+"…", long)},
		"in reply to a photo":               {`"text":"/create_ticket","reply_to_message":{"message_id":49,"photo":[]}`, []sent{notice(here, messages.NoticeAskTitle, forced)}},
		"in reply to a photo, with a title": {`"text":"/create_ticket Look","reply_to_message":{"message_id":49,"photo":[]}`, open("Look", "", "49 photo")},
		"in reply to a captioned photo":     {`"text":"/create_ticket","reply_to_message":{"message_id":49,"photo":[],"caption":"Look"}`, open("Look", "Look", "49 photo")},
		"as a caption":                      {`"photo":[],"caption":"/create_ticket Look"`, open("Look", "", "50 photo")},
		"with 255 characters":               {`"text":"/create_ticket ` + long[3:] + `"`, open(long[3:], "")},
		"with 256":                          {`"text":"/create_ticket ` + long + `"`, open(strings.Repeat("ก", 59)+"…", long)},
		"with 256, and a description":       {`"text":"/create_ticket ` + long + `\nsmokes"`, open(strings.Repeat("ก", 59)+"…", long+"\nsmokes")},
		"a text instead of a title":         {`"text":"/create_ticket ` + words + `"`, open("The printer on the second floor prints nothing but the…", words)},
		"a long title in quotes":            {`"text":"/create_ticket \"` + words + `\" smokes"`, open("The printer on the second floor prints nothing but the…", words+"\nsmokes")},
		"with a title that can't be seen":   {`"text":"/create_ticket \u200b\u200b"`, []sent{notice(here, messages.NoticeAskTitle, forced)}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), inGeneral(tc.fields))
			check(t, tc.want, d.take())
		})
	}
	for name, tc := range map[string]struct {
		group *messages.GroupView
		key   string
	}{
		"unknown group":      {nil, messages.NoticeGroupUnregistered},
		"unregistered group": {&messages.GroupView{Code: messages.Code_OK, Standing: messages.Standing_UNREGISTERED}, messages.NoticeGroupUnregistered},
		"without rights":     {&messages.GroupView{Code: messages.Code_OK, Registered: true, Standing: messages.Standing_NO_RIGHTS}, messages.NoticeGroupNeedsRights},
		"without topics":     {&messages.GroupView{Code: messages.Code_OK, Registered: true, Standing: messages.Standing_NO_TOPICS}, messages.NoticeGroupNeedsTopics},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			d.groups["g7"] = tc.group
			handle(t, testIntake(d), strings.Replace(inGeneral(`"text":"/create_ticket x"`), `,"is_forum":true`, ``, 1))
			if got := d.take(); len(got) != 1 ||
				got[0].Message.(*messages.Answer).Operation.GetSendNotice().Key != tc.key {
				t.Error(got)
			}
		})
	}
	t.Run("topics that were switched on since", func(t *testing.T) {
		d := newFake()
		d.groups["g7"].Standing = messages.Standing_NO_TOPICS
		handle(t, testIntake(d), inGeneral(`"text":"/create_ticket x"`))
		check(t, open("x", ""), d.take())
	})
	t.Run("two messages are two tickets, one message is one", func(t *testing.T) {
		d := newFake()
		for range 2 {
			in := testIntake(d) // a restart in between
			handle(t, in, inGeneral(`"text":"/create_ticket x"`))
			handle(t, in, inGeneral(`"text":"/create_ticket x","message_id":51`))
		}
		got := d.take()
		if got[0].To != got[2].To || got[1].To != got[3].To || got[0].To == got[1].To {
			t.Error(got)
		}
	})
}
