package files

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// eicar is the test file that every virus scanner detects (eicar.org). It is in two parts, so that this file is not
// detected.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-` + `ANTIVIRUS-TEST-FILE!$H+H*`

// fakeClamd speaks clamd's protocol on a socket: it detects EICAR, and accepts streams of at most limit bytes. mood,
// if not empty, is what it does instead: "hang up", or the answer that it gives.
func fakeClamd(t *testing.T, limit int, mood string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				if mood != "hang up" {
					_, _ = conn.Write(append([]byte(scanned(conn, limit, mood)), 0))
				}
			})
		}
	})
	return l.Addr().String()
}

func scanned(conn io.Reader, limit int, mood string) string {
	r := bufio.NewReader(conn)
	if command, err := r.ReadString(0); err != nil || command != "zINSTREAM\x00" {
		return "UNKNOWN COMMAND"
	}
	var all bytes.Buffer
	for {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return "INSTREAM: broken. ERROR"
		}
		if n == 0 {
			break
		}
		if all.Len()+int(n) > limit {
			return "INSTREAM size limit exceeded. ERROR"
		}
		if _, err := io.CopyN(&all, r, int64(n)); err != nil {
			return "INSTREAM: broken. ERROR"
		}
	}
	if mood != "" {
		return mood
	}
	if bytes.Contains(all.Bytes(), []byte(eicar)) {
		return "stream: Win.Test.EICAR_HDB-1 FOUND"
	}
	return "stream: OK"
}

func TestVirusScanner(t *testing.T) {
	s := open(t, Options{Rules: usual, ClamAV: fakeClamd(t, 1<<20, "")})
	clean := keep(t, s, "document", "a.txt", []byte("hello"))
	if clean.Infected != "" {
		t.Errorf("got %+v", clean)
	}
	keep(t, s, "document", "a.bin", bytes.Repeat([]byte("0123456789"), 100_000)) // several chunks
	bad := keep(t, s, "document", "a.txt", []byte("hello "+eicar))
	if bad.Infected != "Win.Test.EICAR_HDB-1" {
		t.Errorf("got %+v", bad)
	}
	if _, _, err := s.Open(t.Context(), bad.SHA256); err == nil {
		t.Error("an infected file is handed out")
	}
	if n := filesIn(t, s.root+"/quarantine"); n != 1 {
		t.Errorf("%d files are kept apart", n)
	}
	_, err := s.Receive(t.Context(), storage.FileClaim{Kind: "document"}, io.LimitReader(zeros{}, 2<<20))
	if r := storage.AsRefused(err); r == nil || !strings.Contains(r.Reason, "virus scanner") {
		t.Errorf("got %v", err)
	}
}

// TestVirusScannerInTrouble: without the scanner's answer nobody gets the file, and the download is retried later.
func TestVirusScannerInTrouble(t *testing.T) {
	for _, addr := range []string{
		fakeClamd(t, 9, "hang up"), fakeClamd(t, 9, "stream: Can't allocate memory ERROR"), "127.0.0.1:1",
		"unix:/nowhere/clamd",
	} {
		s := open(t, Options{Rules: usual, ClamAV: addr})
		_, err := s.Receive(t.Context(), storage.FileClaim{Kind: "document"}, strings.NewReader("hello"))
		if err == nil || storage.AsRefused(err) != nil {
			t.Errorf("%s: got %v", addr, err)
		}
		if n := filesIn(t, s.root); n != 0 {
			t.Errorf("%d files are left", n)
		}
	}
}

// TestRealClamAV asks a real clamd: the one at CLAMAV_ADDR, or else Debian's, which it starts with a database of its
// own that knows EICAR and needs no network.
func TestRealClamAV(t *testing.T) {
	addr := os.Getenv("CLAMAV_ADDR")
	if addr == "" {
		addr = startClamd(t)
	}
	s := open(t, Options{ClamAV: addr})
	if facts := keep(t, s, "document", "a.txt", []byte("hello")); facts.Infected != "" {
		t.Errorf("got %+v", facts)
	}
	bad := keep(t, s, "document", "a.com", []byte(eicar))
	if !strings.Contains(strings.ToUpper(bad.Infected), "EICAR") {
		t.Errorf("got %+v", bad)
	}
	if _, _, err := s.Open(t.Context(), bad.SHA256); err == nil {
		t.Error("an infected file is handed out")
	}
	if n := filesIn(t, s.root+"/quarantine"); n != 1 {
		t.Errorf("%d files are kept apart", n)
	}
}

// startClamd runs a clamd until the test ends.
func startClamd(t *testing.T) (addr string) {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		t.Skip("clamd is not installed: apt-get install clamav-daemon, or set CLAMAV_ADDR to the address of one")
	}
	dir, err := os.MkdirTemp("", "clamd") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, settings := filepath.Join(dir, "clamd.ctl"), filepath.Join(dir, "clamd.conf")
	sum := md5.Sum([]byte(eicar))
	for path, text := range map[string]string{
		filepath.Join(dir, "eicar.hdb"): fmt.Sprintf("%x:%d:Eicar-Test-Signature\n", sum, len(eicar)),
		settings: "Foreground yes\nLocalSocket " + socket + "\nDatabaseDirectory " + dir +
			"\nTemporaryDirectory " + dir + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	daemon := exec.Command(program, "--config-file="+settings)
	daemon.Stdout, daemon.Stderr = &said, &said
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		t.Log("the daemon ended:", <-ended)
	})
	look, inVain := time.NewTicker(20*time.Millisecond), time.After(2*time.Minute)
	defer look.Stop()
	for {
		if conn, err := net.Dial("unix", socket); err == nil {
			_ = conn.Close()
			return "unix:" + socket
		}
		select {
		case <-look.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("clamd has ended: %v\n%s", err, said.String())
		case <-inVain:
			t.Fatal("clamd does not listen")
		}
	}
}
