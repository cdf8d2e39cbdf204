package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
)

// secretsFile is the file in DATA_DIR that has the key for secrets.
const secretsFile = "secrets.key"

// secretsKey is SECRETS_KEY, or else what the file secrets.key in DATA_DIR has, which the first start makes.
func secretsKey(c config.Config) (string, error) {
	if key := c.SecretsKey.Reveal(); key != "" {
		return key, nil
	}
	name := filepath.Join(c.DataDir, secretsFile)
	key, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeSecretsKey(name)
	}
	if err != nil {
		return "", fmt.Errorf("the key for secrets of webhooks: %w", err)
	}
	if text := strings.TrimSpace(string(key)); len(text) >= 32 {
		return text, nil
	}
	return "", fmt.Errorf("%s is damaged: it has less than 32 characters; restore it, or set SECRETS_KEY", name)
}

func makeSecretsKey(name string) ([]byte, error) {
	key := []byte(rand.Text() + rand.Text() + "\n")
	return key, writeWhole(name, key)
}

// writeWhole makes a file whole or not at all, since a damaged key would make all secrets unreadable.
func writeWhole(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temporary := name + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// webhooks are the options of webhooks. It tells when the key was made only now although the desk has webhooks: their
// secrets are sealed with another.
func (a *App) webhooks(ctx context.Context, store storage.Webhooks) (actors.WebhookOptions, error) {
	if a.Config.SecretsKey == "" && missing(filepath.Join(a.Config.DataDir, secretsFile)) {
		hooks, err := store.Webhooks(ctx, "", "", 1)
		if err != nil {
			return actors.WebhookOptions{}, err
		}
		if len(hooks) > 0 {
			a.Log.Error("the desk has webhooks, but DATA_DIR has no "+secretsFile+", so a new key is made, by which none of them can be signed. "+
				"Stop the service, and put back the file of the desk's own folder or of a backup, or set SECRETS_KEY; if the key is lost, "+
				"rotate the secret of each endpoint", "dataDir", a.Config.DataDir)
		}
	}
	key, err := secretsKey(a.Config)
	return actors.WebhookOptions{
		SecretsKey: key, PublicURL: a.Config.Address(), Version: version,
		Policy:  actors.WebhookPolicy{AllowNetworks: a.Config.Networks()},
		Timeout: a.DeliveryTimeout,
	}, err
}
