// Command go is a client of Topicdesk's API: it opens a ticket, writes into it, reads it page by page and closes it.
//
//	TOPICDESK_KEY=td_live_… go run ./docs/examples/go
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	key := os.Getenv("TOPICDESK_KEY")
	if key == "" {
		fmt.Fprintln(os.Stderr, "TOPICDESK_KEY is not set: make a key with `topicdesk apikey create`")
		os.Exit(2)
	}
	if err := run(ctx, NewClient(cmp.Or(os.Getenv("TOPICDESK_URL"), "http://127.0.0.1:8080"), key), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Ticket has the fields that are used here.
type Ticket struct {
	TicketID, Title, Status, Priority string
	Topic                             struct{ State, Name string }
}

// List is a page of a list.
type List[T any] struct {
	Data       []T
	NextCursor string // null, that is empty, on the last page
}

func run(ctx context.Context, desk *Client, out io.Writer) (err error) {
	var me struct{ KeyID, Name string }
	if _, err := desk.Do(ctx, "GET", "/api/v1/me", nil, &me); err != nil {
		return err
	}
	var groups List[struct {
		TelegramGroupID int64
		Title           string
	}]
	if _, err := desk.Do(ctx, "GET", "/api/v1/groups?limit=1", nil, &groups); err != nil {
		return err
	}
	if len(groups.Data) == 0 {
		return errors.New("the bot is in no group")
	}
	group := groups.Data[0]

	var ticket Ticket
	if _, err := desk.Do(ctx, "POST", "/api/v1/tickets", map[string]any{
		"groupId": group.TelegramGroupID, "title": "Printer is on fire", "priority": "high", "metadata": map[string]string{"order": "4711"},
	}, &ticket, "Prefer", "wait=20"); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "opened %s in %s, its topic is %s\n", ticket.TicketID, group.Title, ticket.Topic.State)
	path := "/api/v1/tickets/" + ticket.TicketID
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, closing := desk.Do(ctx, "POST", path+"/close", map[string]string{"reason": "A new printer is here"}, &ticket)
		if err = errors.Join(err, closing); err == nil {
			_, _ = fmt.Fprintf(out, "closed %s: it is %s\n", ticket.TicketID, ticket.Status)
		}
	}()

	var sent struct{ MessageID, State string }
	if _, err := desk.Do(ctx, "POST", path+"/messages", map[string]string{
		"text": "It smells of **toner**.", "format": "markdown", "authorName": "Mia of ACME",
	}, &sent); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "wrote %s: %s\n", sent.MessageID, sent.State)

	// A change that is made only if nobody else made one meanwhile.
	read, err := desk.Do(ctx, "GET", path, nil, &ticket)
	if err != nil {
		return err
	}
	if _, err := desk.Do(ctx, "PATCH", path, map[string]string{"priority": "urgent"}, &ticket, "If-Match", read.Get("ETag")); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s is %s now\n", ticket.TicketID, ticket.Priority)

	count := 0
	for cursor := ""; ; {
		query := url.Values{"status": {"open"}, "createdBy": {"apiKey:" + me.KeyID}, "limit": {"100"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page List[Ticket]
		if _, err := desk.Do(ctx, "GET", "/api/v1/tickets?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		count += len(page.Data)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	_, _ = fmt.Fprintf(out, "%s has %d open\n", me.Name, count)

	_, err = desk.Do(ctx, "POST", path+"/mention", map[string]string{"username": "nobody_at_all"}, nil)
	var problem *Problem
	if !errors.As(err, &problem) || problem.Code != "mention_unknown" {
		return fmt.Errorf("a stranger was mentioned: %w", err)
	}
	_, _ = fmt.Fprintf(out, "mentioned nobody: %s\n", problem.Detail)
	return nil
}
