package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

const (
	webPeople   = 200  // who have a page open
	webMessages = 1000 // of the ticket whose page is measured
	webAsks     = 100  // of each page
	// What a first paint may take, over loopback.
	paintBytes = 100_000
	paintMs    = 300
)

func benchWebCommand() *cobra.Command {
	o := filledOptions{bench: benchOptions{mode: "polling"}}
	cases := []filledCase{
		{name: "pages", prepare: prepareReaders, run: benchPages},
		{name: "streams", prepare: prepareReaders, run: benchStreams},
	}
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Measure the web desk: its pages with many tickets, and what open pages cost",
		Long: "Start the service as a process of its own, with an SQLite file that has many tickets, and measure:\n" +
			"  pages    how long each page takes, and the first paint: the page and what it needs, as it is on the wire\n" +
			"  streams  what 200 open pages cost in memory, and the copies of messages, without and with them in turns;\n" +
			"           they ask for what has changed as browsers do. They have been open for 5 s when a run begins, and people\n" +
			"           have written for as long, since pages that were opened at once cost more in their first second\n" +
			"The readers, the simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.bench.progress = newProgress(cmd.ErrOrStderr())
			return runFilled(cmd.Context(), cmd.OutOrStdout(), o, cases)
		},
	}
	o.flags(cmd, namesOf(cases))
	return cmd
}

// reader is somebody who is signed in to the web desk.
type reader struct {
	id     int64
	secret string // of their session
	cookie string
	pair   int // of groups, to whose first they belong
}

// readers are the people of a case: the first belongs to all groups, the others to one each.
func (b *filledBench) readers() (all []*reader) {
	for i := range webPeople + 1 {
		r := &reader{id: firstReader + int64(i), pair: i % benchPairs, secret: fmt.Sprintf("READER%020d", i)}
		r.cookie = fmt.Sprintf("topicdesk=%d.%s", r.id, r.secret)
		all = append(all, r)
	}
	return all
}

const firstReader = 700_000_000 // their ids at Telegram

// prepareReaders makes the people, and has them signed in.
func prepareReaders(ctx context.Context, b *filledBench) error {
	store, err := sqlite.Open(ctx, b.database(), sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i, r := range b.readers() {
		name := fmt.Sprint("Reader ", i)
		if _, err := b.world.sim.AddPerson(simulator.Person{ID: r.id, FirstName: name, LanguageCode: "en"}); err != nil {
			return err
		}
		for pair, groups := range b.world.groups {
			for side, g := range groups {
				if i > 0 && (pair != r.pair || side > 0) {
					continue
				}
				if err := b.world.sim.SetMember(g, r.id, simulator.Member); err != nil {
					return err
				}
			}
		}
		u := &storage.User{TelegramID: r.id, FirstName: name, CreatedAt: now, UpdatedAt: now,
			WebSessions: []storage.WebSecret{{Hash: messages.HashWebSecret(r.secret), CreatedAt: now, ExpiresAt: now.Add(12 * time.Hour)}}}
		if err := store.SaveUser(ctx, u); err != nil {
			return err
		}
	}
	return store.Close()
}

// benchPages measures each page alone, as somebody sees it who belongs to all groups.
func benchPages(ctx context.Context, b *filledBench) error {
	all := b.world.tickets
	b.world.tickets = all[:1]
	r, err := b.world.talk(ctx, phase{"a long ticket", 200, webMessages * time.Second / 200})
	b.world.tickets = all
	if err != nil {
		return err
	}
	c := newWebClient(b.service.addr)
	who := b.readers()[0]
	long, err := b.ticketOf(ctx, all[0])
	if err != nil {
		return err
	}
	pages := []struct{ name, path string }{
		{"inbox", "/"}, {"view: mine", "/?view=mine"}, {"view: unanswered", "/?view=unanswered"}, {"view: waiting", "/?view=waiting"},
		{"view: closed today", "/?view=today"}, {"state: all", "/?state=all"}, {"state: closed", "/?state=closed"},
		{"one group", "/?state=all&group=" + fmt.Sprint(b.world.groups[0][0])},
		{"search: printer", "/?state=all&q=printer"}, {"search: two words, few tickets", "/?state=all&q=" + url.QueryEscape("printer 77")},
		{"search in Thai", "/?state=all&q=" + url.QueryEscape("เครื่องพิมพ์")}, {"search: nothing found", "/?state=all&q=zanzibar"},
		{"search: number", "/?q=" + url.QueryEscape("#500")}, {fmt.Sprintf("ticket with %d messages", r.sent), "/tickets/" + long},
		{"… its older messages", "/tickets/" + long + "/timeline?before=500"},
	}
	for name, from := range map[string]string{"page 2": "/?state=all", "page 2 of a search": "/?state=all&q=printer"} {
		older, err := c.olderOf(ctx, who, from)
		if err != nil {
			return err
		}
		pages = append(pages, struct{ name, path string }{name, older})
	}
	slices.SortStableFunc(pages[15:], func(a, b struct{ name, path string }) int { return len(a.name) - len(b.name) })
	table := tabwriter.NewWriter(b.out, 2, 8, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = table.Flush() }() // what was measured is shown, also if it breaks off
	fmt.Fprintln(table, "page\tfirst ms\tp50 ms\tp99 ms\tkB\tfirst paint: kB\tp50 ms\tp99 ms\tfailed\t\t")
	missed := 0
	for _, p := range pages {
		m, err := c.measure(ctx, who, p.path)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		said := ""
		if m.paintBytes >= paintBytes || quantileOf(m.paint, .99) >= paintMs {
			said, missed = "missed", missed+1
		}
		fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%s\t\n", p.name, float64(m.first.Microseconds())/1000, quantileOf(m.page, .5),
			quantileOf(m.page, .99), float64(m.bytes)/1000, float64(m.paintBytes)/1000, quantileOf(m.paint, .5), quantileOf(m.paint, .99), m.failed, said)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(b.out, "pages: %d of %d have a first paint of %d kB or more, or of %d ms or more at p99\n", missed, len(pages),
		paintBytes/1000, paintMs)
	return err
}

// ticketOf is the id of a ticket in which people write.
func (b *filledBench) ticketOf(ctx context.Context, t benchTicket) (string, error) {
	var page struct {
		Data []struct {
			TicketID string `json:"ticketId"`
			Topic    struct {
				TelegramTopicID int `json:"telegramTopicId"`
			} `json:"topic"`
		} `json:"data"`
	}
	// They are the newest.
	if _, err := b.api(ctx, fmt.Sprintf("/api/v1/tickets?limit=100&groupId=%d", b.world.groups[t.pair][0]), &page); err != nil {
		return "", err
	}
	for _, found := range page.Data {
		if found.Topic.TelegramTopicID == t.thread[0] {
			return found.TicketID, nil
		}
	}
	return "", fmt.Errorf("the ticket of topic %d is not listed", t.thread[0])
}
