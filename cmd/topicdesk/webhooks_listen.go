package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/actors"
)

const (
	// listenAgain is the pause before a lost connection is made anew. It grows to listenAgainMost.
	listenAgain, listenAgainMost = 500 * time.Millisecond, 15 * time.Second
	// listenSilence is how long a stream may be silent. A comment comes every 15 s.
	listenSilence = 45 * time.Second
	// forwardWithin is how long the receiver may take.
	forwardWithin = 15 * time.Second
	// longestEvent is the most bytes of a line of the stream.
	longestEvent = 4 << 20
)

// listener follows the events of a desk.
type listener struct {
	address, key string
	types        []string
	internal     bool
	forward      string // "": nowhere
	secret       actors.WebhookSecret
	again        time.Duration // listenAgain

	client   *http.Client
	out, say io.Writer // events, and what happens besides
	cursor   string    // the newest id of the stream; "": begin with now
}

func listenCommand() *cobra.Command {
	l := &listener{again: listenAgain}
	var keyFile, secretFile string
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Follow the events of a desk, and forward them to a receiver",
		Long: "Follows the feed of events of a running desk and prints each event on a line. With --forward it sends each to a receiver,\n" +
			"such as one on this machine, as a webhook of the desk's would be: a secret that it prints signs the requests. So a\n" +
			"receiver can be written without a public address.\n\n" +
			"The API key needs the scope events:read. It is read from --key-file, or from TOPICDESK_API_KEY.",
		Example: "  topicdesk webhooks listen --forward http://127.0.0.1:3000/hook",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if l.key, err = listenKey(keyFile); err != nil {
				return err
			}
			if _, err := absoluteURL(l.address); err != nil {
				return fmt.Errorf("--url: %w", err)
			}
			l.out, l.say, l.client = cmd.OutOrStdout(), cmd.ErrOrStderr(), newListenClient()
			defer l.client.CloseIdleConnections()
			if l.forward != "" {
				if _, err := absoluteURL(l.forward); err != nil {
					return fmt.Errorf("--forward: %w", err)
				}
				if err := l.useSecret(secretFile); err != nil {
					return err
				}
			}
			return l.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&l.address, "url", cmp.Or(os.Getenv("TOPICDESK_URL"), "http://127.0.0.1:8080"), "address of the desk (or TOPICDESK_URL)")
	f.StringVar(&keyFile, "key-file", "", "file with the API key (default: TOPICDESK_API_KEY)")
	f.StringSliceVar(&l.types, "types", nil, "types of events, such as ticket.*,message.sent (default: all)")
	f.BoolVar(&l.internal, "include-internal", false, "internal notes too; the key needs the scope messages:read")
	f.StringVar(&l.cursor, "after", "", "begin after this cursor of the feed (default: with what happens from now on)")
	f.StringVar(&l.forward, "forward", "", "send each event to this URL")
	f.StringVar(&secretFile, "secret-file", "", "sign with the secret in this file (default: a new one each time)")
	return cmd
}

// newListenClient follows no redirect, as the desk does not when it delivers.
func newListenClient() *http.Client {
	return &http.Client{Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func listenKey(file string) (string, error) {
	if file == "" {
		if key := strings.TrimSpace(os.Getenv("TOPICDESK_API_KEY")); key != "" {
			return key, nil
		}
		return "", errors.New("an API key is needed: --key-file, or TOPICDESK_API_KEY")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--key-file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func absoluteURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("expected a URL such as http://127.0.0.1:3000/hook")
	}
	return u, nil
}

// useSecret reads the secret that signs, or makes one and prints it, which is where the receiver's author gets it.
func (l *listener) useSecret(file string) error {
	if file != "" {
		secrets, err := readSecrets(file)
		if err != nil {
			return err
		}
		l.secret = secrets[0]
		return nil
	}
	l.secret = actors.NewWebhookSecret()
	_, err := fmt.Fprintf(l.say, "Requests to %s are signed with this secret:\n%s\n", l.forward, l.secret.Text())
	return err
}

// run follows the stream until ctx ends, or the desk says that it never will work.
func (l *listener) run(ctx context.Context) error {
	for pause := l.again; ; pause = min(2*pause, listenAgainMost) {
		heard, err := l.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var refused *refusedError
		if errors.As(err, &refused) && !refused.passes() {
			if refused.OldestCursor == "" || l.cursor == refused.OldestCursor {
				return err
			}
			l.cursor = refused.OldestCursor
			_, _ = fmt.Fprintln(l.say, "Some events are deleted by now; going on with the oldest that are kept.")
			continue
		}
		if heard {
			pause = l.again
		}
		_, _ = fmt.Fprintf(l.say, "%v; trying again in %s.\n", err, pause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// refusedError is a problem with which the desk answers.
type refusedError struct {
	Status       int
	Code, Detail string
	OldestCursor string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the desk answers %d %s: %s", e.Status, e.Code, e.Detail)
}

// passes reports whether the same request may work later.
func (e *refusedError) passes() bool {
	return e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// follow reads the stream until it ends.
func (l *listener) follow(ctx context.Context) (heard bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(listenSilence, cancel)
	defer silence.Stop()
	res, err := l.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), longestEvent)
	var id string
	var data []byte
	for lines.Scan() {
		silence.Reset(listenSilence)
		line := lines.Text()
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if data != nil {
				if err := l.event(ctx, data); err != nil {
					return true, err
				}
				heard, data = true, nil
			}
			if id != "" { // now that everything up to it is dealt with
				l.cursor, id = id, ""
			}
		case name == "data":
			data = append(data, value...)
		case name == "id":
			id = value
		}
	}
	if err := lines.Err(); err != nil {
		return heard, fmt.Errorf("the connection to the desk is lost: %w", err)
	}
	return heard, errors.New("the desk has ended the stream")
}

// connect begins the stream, after the newest id that was heard. At first it asks where the feed is, so that nothing is
// missed when the first connection is lost before anything happens.
func (l *listener) connect(ctx context.Context) (*http.Response, error) {
	query := url.Values{}
	if len(l.types) > 0 {
		query.Set("types", strings.Join(l.types, ","))
	}
	if l.internal {
		query.Set("includeInternal", "true")
	}
	if l.cursor == "" {
		res, err := l.get(ctx, "/events?after=now&limit=1")
		if err != nil {
			return nil, err
		}
		defer func() { _ = res.Body.Close() }()
		var page struct{ NextCursor string }
		if err := json.NewDecoder(io.LimitReader(res.Body, longestEvent)).Decode(&page); err != nil {
			return nil, fmt.Errorf("the desk does not say where the feed is: %w", err)
		}
		l.cursor = page.NextCursor
	}
	return l.get(ctx, "/events/stream?"+query.Encode())
}

// get asks the desk. Any answer but 200 is a *refusedError.
func (l *listener) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(l.address, "/")+"/api/v1"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+l.key)
	req.Header.Set("User-Agent", "topicdesk/"+version)
	if l.cursor != "" {
		req.Header.Set("Last-Event-ID", l.cursor)
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the desk can't be reached: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	refused := &refusedError{}
	_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(refused)
	refused.Status = res.StatusCode
	return nil, refused
}

// event prints an event, and forwards it. What the receiver does is told, and is no reason to stop.
func (l *listener) event(ctx context.Context, body []byte) error {
	if _, err := fmt.Fprintf(l.out, "%s\n", body); err != nil {
		return fmt.Errorf("print an event: %w", err)
	}
	if l.forward == "" {
		return nil
	}
	var event struct{ ID, Type string }
	if err := json.Unmarshal(body, &event); err != nil {
		return fmt.Errorf("an event is no JSON: %w", err)
	}
	began := time.Now()
	status, err := l.send(ctx, event.ID, body)
	took := time.Since(began).Round(time.Millisecond)
	if err != nil {
		status = err.Error()
	}
	_, _ = fmt.Fprintf(l.say, "%s %s: %s in %s\n", event.ID, event.Type, status, took)
	return nil
}

func (l *listener) send(ctx context.Context, id string, body []byte) (status string, err error) {
	ctx, cancel := context.WithTimeout(ctx, forwardWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.forward, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	at := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Topicdesk/"+version)
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", actors.SignWebhook(id, at, body, l.secret))
	res, err := l.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.Status, nil
}
