package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// apikeyCommand manages API keys directly in the database: before the first start of the service, or beside a running
// one, which reads a key again before it relies on it.
func apikeyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apikey",
		Short: "Create, list and revoke API keys",
		Long:  "Create, list and revoke API keys in the database that the settings name. The service may be running.",
	}
	cmd.AddCommand(createKeyCommand(), listKeysCommand(), revokeKeyCommand())
	return cmd
}

// keyNameLength is how many characters the name and the owner of a key may have, as by the API.
const keyNameLength = 100

func createKeyCommand() *cobra.Command {
	var k struct {
		name, owner, expires string
		scopes               []string
		group, rate, burst   int64
		newDesk              bool
	}
	cmd := &cobra.Command{
		Use:   "create --name N --scopes a,b",
		Short: "Create a key and print it on a line of its own",
		Long: "Create a key and print it on a line of its own, the last one. The key is shown only this once:\n" +
			"the database stores a hash of it.\n\nScopes: " + strings.Join(messages.Scopes, ", "),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now().UTC().Truncate(time.Millisecond)
			name, owner := messages.CleanLine(k.name), messages.CleanLine(k.owner) // as the API has them
			if messages.Blank(name) {
				return errors.New("--name: say what the key is for")
			}
			if utf8.RuneCountInString(name) > keyNameLength || utf8.RuneCountInString(owner) > keyNameLength {
				return fmt.Errorf("--name and --owner have at most %d characters each", keyNameLength)
			}
			if len(k.scopes) == 0 {
				return errors.New("--scopes: say what the key may do, such as tickets:read,tickets:write")
			}
			for _, s := range k.scopes {
				if !slices.Contains(messages.Scopes, s) {
					return fmt.Errorf("--scopes: %q is none of %s", s, strings.Join(messages.Scopes, ", "))
				}
			}
			if k.rate < 0 || k.burst < 0 {
				return errors.New("--rate and --burst must not be negative")
			}
			expires, err := expiry(k.expires, now)
			if err != nil {
				return err
			}
			record := &storage.APIKey{KeyID: messages.NewAPIKeyID(""), Name: name, Owner: owner,
				Scopes: k.scopes, Rate: k.rate, Burst: k.burst, ExpiresAt: expires, CreatedAt: now, UpdatedAt: now,
				By: storage.Creator{Kind: "commandLine", Name: "command line"}}
			key, hash := messages.NewAPIKey(record.KeyID)
			record.Secrets = []storage.KeySecret{{Hash: hash, CommandID: "cli:" + record.KeyID, CreatedAt: now}}
			may := newcomer(k.newDesk)
			db, err := withDesk(cmd.Context(), may, func(store storage.Store) error {
				if k.group != 0 {
					if record.GroupID, err = groupID(cmd.Context(), store, k.group); err != nil {
						return err
					}
					if _, err := store.Group(cmd.Context(), record.GroupID); errors.Is(err, storage.ErrNotFound) {
						_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "The desk does not know the group %d yet: the key sees nothing until "+
							"/register is sent there.\n", k.group)
					}
				}
				return store.SaveAPIKey(cmd.Context(), record)
			})
			if err != nil {
				if missing := (*noDeskError)(nil); errors.As(err, &missing) {
					err = fmt.Errorf("%w; --new makes a new desk there", err)
				}
				return err
			}
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Key %s for %s, in %s. It is shown only this once:\n",
				record.KeyID, record.Name, db)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&k.name, "name", "", "what the key is for; Telegram shows it as the author of the key's messages")
	f.StringVar(&k.owner, "owner", "", "who is responsible for the key")
	f.StringSliceVar(&k.scopes, "scopes", nil, "what the key may do: scopes with commas between them")
	f.Int64Var(&k.group, "group", 0, "Telegram id of the only group that the key sees (default: all groups)")
	f.Int64Var(&k.rate, "rate", 0, "the most requests per second, on average (default 100)")
	f.Int64Var(&k.burst, "burst", 0, "the most requests in one burst (default: twice the rate)")
	f.StringVar(&k.expires, "expires", "",
		"when the key expires: 2027-01-31, 2027-01-31T00:00:00Z, or an age such as 90d or 12h (default: never)")
	f.BoolVar(&k.newDesk, "new", false, "make the database if there is none: for a key before the first start of the service")
	_ = cmd.MarkFlagRequired("name")
	_ = cmd.MarkFlagRequired("scopes")
	return cmd
}

func listKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys, without their secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := withDesk(cmd.Context(), existing, func(store storage.Store) error {
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				_, _ = fmt.Fprintln(w, "ID\tNAME\tSCOPES\tGROUP\tSTATE\tLAST USED")
				for after := ""; ; {
					page, err := store.APIKeys(cmd.Context(), "", after, 100)
					if err != nil {
						return err
					}
					for i := range page {
						k := &page[i]
						_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.KeyID, k.Name, strings.Join(k.Scopes, ","),
							boundTo(k), keyState(k, time.Now()), when(k.LastUsedAt))
						after = k.KeyID
					}
					if len(page) < 100 {
						return w.Flush()
					}
				}
			})
			return err
		},
	}
}

func revokeKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a key; a running service refuses it within a second",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := args[0]
			if within, ok := messages.APIKeyID(id); ok { // somebody gave the key itself
				id = within
			}
			_, err := withDesk(cmd.Context(), existing, func(store storage.Store) error {
				for {
					k, err := store.APIKey(cmd.Context(), id)
					if errors.Is(err, storage.ErrNotFound) {
						return errors.New("there is no key with that id; `topicdesk apikey list` shows all keys")
					}
					if err != nil {
						return err
					}
					if k.RevokedAt.IsZero() {
						k.RevokedAt = time.Now().UTC().Truncate(time.Millisecond)
						k.UpdatedAt = k.RevokedAt
						if err := store.SaveAPIKey(cmd.Context(), k); errors.Is(err, storage.ErrConflict) {
							continue // the service has just stored that the key was used
						} else if err != nil {
							return err
						}
					}
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "Key %s (%s) is revoked.\n", k.KeyID, k.Name)
					return err
				}
			})
			return err
		},
	}
}

// withDesk opens the database of the settings, which a service may have open as well, and says which one that is.
func withDesk(ctx context.Context, may newcomer, f func(storage.Store) error) (db string, err error) {
	settings, err := loadSettings(ofDatabase)
	if err != nil {
		return "", err
	}
	store, err := openOwn(ctx, settings, beside, may)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return where(settings.Database()), f(store)
}

// boundTo is the Telegram id of a key's group. It is empty for a key that is not bound to a group.
func boundTo(k *storage.APIKey) string {
	chat, ok := messages.ChatIn(k.GroupID)
	if !ok {
		return k.GroupID
	}
	return strconv.FormatInt(chat, 10)
}

// groupID is the internal id of a group. A group that the desk has not met yet gets the one that the first meeting
// gives it.
func groupID(ctx context.Context, store storage.Store, chat int64) (string, error) {
	if chat >= 0 {
		return "", fmt.Errorf("--group: %d is not a group: Telegram ids of groups are negative", chat)
	}
	g, err := store.GroupByTelegramID(ctx, chat)
	if errors.Is(err, storage.ErrNotFound) {
		return messages.GroupPlace(chat), nil
	}
	if err != nil {
		return "", err
	}
	return g.GroupID, nil
}

// expiry reads a time, or an age from now on.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var at time.Time
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n < 100_000 {
			at = now.AddDate(0, 0, n)
		}
	} else if d, err := time.ParseDuration(text); err == nil {
		at = now.Add(d)
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			at = t.UTC()
		}
	}
	if !at.After(now) {
		return time.Time{}, fmt.Errorf("--expires: %q is not a time in the future; "+
			"allowed are forms such as 2027-01-31, 2027-01-31T12:00:00Z, 90d and 12h", text)
	}
	return at, nil
}

func keyState(k *storage.APIKey, now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked " + when(k.RevokedAt)
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired " + when(k.ExpiresAt)
	case !k.ExpiresAt.IsZero():
		return "until " + when(k.ExpiresAt)
	}
	return "valid"
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}
