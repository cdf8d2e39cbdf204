package simulator

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// The kinds of Fault.
const (
	Fault500      = "500"      // {"ok":false,"error_code":500}, nothing done
	Fault502HTML  = "502html"  // a proxy's HTML page, nothing done
	FaultReset    = "reset"    // the connection is reset, nothing done
	FaultSlow     = "slow"     // done and answered after Delay
	FaultLost     = "lost"     // done, then the connection is cut without an answer
	FaultLostSlow = "lostslow" // done, then the connection is cut after Delay
	Fault429      = "429"      // flood control for RetryAfter seconds; the chat is closed for so long
	Fault400      = "400"      // "Bad Request: " + Description, nothing done
	Fault403      = "403"      // "Forbidden: " + Description, nothing done
	FaultShort    = "short"    // of downloads: half of the file, as if that were all
)

// MethodFile is the Fault.Method of file downloads, which are no method of the Bot API. A slow one takes Delay from its first
// byte to its last, a lost one is cut in its middle.
const MethodFile = "file"

// Fault is trouble ordered for the calls that match it. The first one that matches acts.
type Fault struct {
	Method      string        `json:"method,omitempty"` // "": any but getUpdates and downloads
	Chat        int64         `json:"chat,omitempty"`   // 0: any
	Thread      int           `json:"thread,omitempty"` // 0: any
	File        string        `json:"file,omitempty"`   // downloads: how the path ends, such as ".bin"; "": any
	Kind        string        `json:"kind"`
	Delay       time.Duration `json:"delay,omitempty"`       // nanoseconds; slow, lostslow
	RetryAfter  int           `json:"retryAfter,omitempty"`  // seconds; 429, default 1
	Description string        `json:"description,omitempty"` // 400, 403
	Count       int           `json:"count,omitempty"`       // how many times; 0: once, or without end if Probability is set; <0: without end
	After       int           `json:"after,omitempty"`       // so many matching calls pass first
	Probability float64       `json:"probability,omitempty"` // 0: always
	Seed        uint64        `json:"seed,omitempty"`        // for Probability
}

type faultState struct {
	Fault
	rng *rand.Rand
}

// Inject orders a fault.
func (s *Server) Inject(f Fault) error {
	switch f.Kind {
	case Fault500, Fault502HTML, FaultReset, FaultSlow, FaultLost, FaultLostSlow, Fault429, Fault400, Fault403, FaultShort:
	default:
		return fmt.Errorf("there is no kind of fault %q", f.Kind)
	}
	if f.Method != "" && f.Method != MethodFile {
		name := botAPI.names[strings.ToLower(f.Method)]
		if name == "" {
			return fmt.Errorf("there is no method %q", f.Method)
		}
		f.Method = name
	}
	if f.File != "" && f.Method != MethodFile {
		return fmt.Errorf("only the method %q has a file", MethodFile)
	}
	if f.Delay < 0 || f.After < 0 || f.RetryAfter < 0 || f.Probability < 0 || f.Probability > 1 {
		return fmt.Errorf("delay, after and retryAfter are not negative, probability is between 0 and 1")
	}
	if f.Count == 0 {
		f.Count = 1
		if f.Probability > 0 {
			f.Count = -1
		}
	}
	if f.Kind == Fault429 && f.RetryAfter == 0 {
		f.RetryAfter = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &faultState{Fault: f, rng: rand.New(rand.NewPCG(f.Seed, 1))})
	s.wake()
	return nil
}

// ClearFaults takes all faults back.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.wake()
}

// Faults lists the faults that may still act.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		out = append(out, f.Fault)
	}
	return out
}

// takeFault finds the fault that acts on a call, and uses it up.
func (s *Server) takeFault(c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != c.method && (f.Method != "" || c.method == "getUpdates" || c.method == MethodFile) || f.Chat != 0 && f.Chat != c.log.Chat || f.Thread != 0 && f.Thread != c.log.Thread || !strings.HasSuffix(c.file, f.File) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Probability > 0 && f.rng.Float64() >= f.Probability {
			continue
		}
		if f.Count > 0 {
			f.Count--
		}
		out := f.Fault
		if f.Count == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return &out
	}
	return nil
}

// faultBefore does what a fault does before the call, and says whether the call goes on.
func (s *Server) faultBefore(w http.ResponseWriter, r *http.Request, c *call, f *Fault, start time.Time) bool {
	var e *apiError
	switch f.Kind {
	case FaultLost, FaultLostSlow, FaultShort:
		return true
	case FaultSlow:
		if c.method == MethodFile {
			return true
		}
		s.pause(f.Delay)
		return true
	case Fault500:
		e = &apiError{Code: 500, Description: "Internal Server Error"}
	case Fault400:
		e = badRequest("%s", f.Description)
	case Fault403:
		e = forbidden(f.Description)
	case Fault429:
		e = tooMany(f.RetryAfter)
		s.mu.Lock()
		if ch, _ := s.findChat(c.p.str("chat_id")); ch != nil {
			ch.flood.block(s, c, f.RetryAfter)
		}
		s.mu.Unlock()
	case Fault502HTML:
		s.logCall(c, &apiError{Code: 502, Description: "Bad Gateway"}, false, start)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"))
		return false
	case FaultReset:
		s.logCall(c, &apiError{Code: 0, Description: "connection reset"}, true, start)
		cut(w, true)
		return false
	}
	s.logCall(c, e, false, start)
	writeError(w, e)
	return false
}

// pause waits, but not beyond Close.
func (s *Server) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}

// cut ends the connection without an answer; a hard one is a TCP reset.
func cut(w http.ResponseWriter, hard bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to cut a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok && hard {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
