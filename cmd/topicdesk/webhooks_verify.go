package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/actors"
)

// webhooksCommand helps those who write receivers of events.
func webhooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Verify a delivery, or follow events without a public address",
	}
	cmd.AddCommand(verifyCommand(), listenCommand())
	return cmd
}

// longestRequest is how much of a request is read.
const longestRequest = 4 << 20

func verifyCommand() *cobra.Command {
	var secretFile string
	var anyAge bool
	cmd := &cobra.Command{
		Use:   "verify --secret-file F < request",
		Short: "Say what is wrong with the signature of a delivery",
		Long: "Reads an HTTP request as it was received, headers first, and says whether its signature is right, or else what is\n" +
			"wrong with it. A first line such as POST /hook HTTP/1.1 may be there or not.",
		Example: "  topicdesk webhooks verify --secret-file secret.txt < request.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secrets, err := readSecrets(secretFile)
			if err != nil {
				return err
			}
			raw, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), longestRequest+1))
			if err != nil {
				return fmt.Errorf("read the request: %w", err)
			}
			if len(raw) > longestRequest {
				return fmt.Errorf("the request is longer than %d bytes", longestRequest)
			}
			headers, body, err := splitRequest(raw)
			if err != nil {
				return err
			}
			now := time.Now()
			if sent, err := strconv.ParseInt(headers.Get("webhook-timestamp"), 10, 64); err == nil && anyAge {
				now = time.Unix(sent, 0)
			}
			if err := actors.VerifyWebhook(headers, body, now, secrets...); err != nil {
				if length, noLength := strconv.Atoi(headers.Get("Content-Length")); noLength == nil && length != len(body) {
					return fmt.Errorf("%w; it has %d bytes, and Content-Length is %d: it was changed after it was received", err, len(body), length)
				}
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The signature is right: event %s, %d bytes.\n", headers.Get("webhook-id"), len(body))
			return err
		},
	}
	cmd.Flags().StringVar(&secretFile, "secret-file", "", "file with the endpoint's secret, whsec_…; during a rotation with both, one a line")
	cmd.Flags().BoolVar(&anyAge, "any-age", false, "accept a request that is older than 5 minutes, such as one from a log")
	_ = cmd.MarkFlagRequired("secret-file")
	return cmd
}

// readSecrets reads the secrets of a file, one a line.
func readSecrets(file string) (secrets []actors.WebhookSecret, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		secret, err := actors.ParseWebhookSecret(line)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: line %d: %w", i+1, err)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 {
		return nil, errors.New("--secret-file: the file is empty")
	}
	return secrets, nil
}

// splitRequest takes a request apart: its headers, and its body byte by byte as it was received.
func splitRequest(raw []byte) (http.Header, []byte, error) {
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if lines, rest, ok := bytes.Cut(raw, []byte("\n\n")); ok && (!found || len(lines) < len(head)) {
		head, body, found = lines, rest, true
	}
	if !found {
		return nil, nil, errors.New("the request has no empty line between its headers and its body")
	}
	if first, rest, ok := bytes.Cut(head, []byte("\n")); ok && !bytes.Contains(bytes.SplitN(first, []byte(" "), 2)[0], []byte(":")) {
		head = rest // POST /hook HTTP/1.1
	}
	read := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"))))
	fields, err := read.ReadMIMEHeader()
	if err != nil {
		return nil, nil, errors.New("the headers can't be read: each is a line such as webhook-id: evt_…")
	}
	headers := http.Header(fields)
	if strings.EqualFold(headers.Get("Transfer-Encoding"), "chunked") {
		if body, err = io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))); err != nil {
			return nil, nil, errors.New("the body says that it is chunked, and its chunks can't be read")
		}
		return headers, body, nil
	}
	length, err := strconv.Atoi(headers.Get("Content-Length"))
	switch {
	case err != nil:
	case length > len(body):
		return nil, nil, fmt.Errorf("the body is cut off: Content-Length is %d, and there are %d bytes", length, len(body))
	case length >= 0 && len(bytes.Trim(body[length:], "\r\n")) == 0:
		body = body[:length] // an editor or a shell has added a line break
	}
	return headers, body, nil
}
