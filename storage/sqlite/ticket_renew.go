package sqlite

import (
	"context"
	"math"

	"github.com/topicdesk/topicdesk/storage"
)

// The search index is renewed in the order of list ids. ticket_search_state says up to which list id it has the words
// of which folding. So whoever dies in between continues where the last committed batch ended.

var (
	readSearchState  = define(`SELECT folding, through FROM ticket_search_state WHERE id = 1`)
	writeSearchState = define(`UPDATE ticket_search_state SET folding = ?, through = ? WHERE id = 1`)
	readToRenew      = define(`
		SELECT list_id, version, words_hash, doc FROM tickets WHERE list_id > ? ORDER BY list_id LIMIT ?`)
	renewTicket = define(`UPDATE tickets SET words_hash = ?2 WHERE list_id = ?1 AND version = ?3`)
)

// allRenewed is how far the index was renewed when no ticket was left.
const allRenewed = math.MaxInt64

// searchState says up to which list id the index has the words of a folding.
type searchState struct {
	folding storage.Folding
	through int64
}

func searchStateOf(c *conn) (state searchState, err error) {
	err = c.query(readSearchState, func(r row) error {
		state = searchState{storage.Folding(r.int(0)), r.int(1)}
		return nil
	})
	return state, err
}

// mixesFoldings reports whether the index may still have tickets in another folding than the current one.
func mixesFoldings(c *conn) (bool, error) {
	state, err := searchStateOf(c)
	return state != searchState{storage.CurrentFolding, allRenewed}, err
}

// renewal is a ticket whose words in the index are of another folding.
type renewal struct {
	listID, version, hash int64
	words                 string
}

// RenewSearch implements storage.Tickets. The words are made on a read connection, so the writer is occupied only with
// writing them. A ticket that was saved meanwhile has its new words already.
func (s *Store) RenewSearch(ctx context.Context, limit int) (n int, more bool, err error) {
	var from, to searchState
	var stale []renewal
	err = s.read(ctx, func(c *conn) error {
		if from, err = searchStateOf(c); err != nil || limit <= 0 {
			return err
		}
		to = from
		if from.folding != s.options.folding {
			to = searchState{s.options.folding, -1}
		}
		if to.through == allRenewed {
			return nil
		}
		n, stale, err = s.toRenew(c, &to, limit)
		return err
	})
	if err != nil || limit <= 0 || to == from {
		return 0, err == nil && to.through != allRenewed, err
	}
	err = s.write(ctx, func(w *writer) error {
		return w.atomically(func() error { return w.renewSearch(stale, from, to) })
	})
	return n, to.through != allRenewed, err
}

// toRenew reads the next tickets, at most limit, and moves to beyond them. n is their number; stale are those whose
// words are of another folding.
func (s *Store) toRenew(c *conn, to *searchState, limit int) (n int, stale []renewal, err error) {
	err = c.query(readToRenew, func(r row) error {
		var t storage.Ticket
		if err := decode(r.text(3), &t); err != nil {
			return err
		}
		n, to.through = n+1, r.int(0)
		if hash := searchHash(&t, s.options.folding); hash != r.int(2) {
			stale = append(stale, renewal{r.int(0), r.int(1), hash, searchWords(&t, s.options.folding)})
		}
		return nil
	}, to.through, int64(limit))
	if n < limit {
		to.through = allRenewed
	}
	return n, stale, err
}

// renewSearch writes the new words. The state is moved only if nobody moved it since it was read.
func (w *writer) renewSearch(stale []renewal, from, to searchState) error {
	now, err := searchStateOf(w.conn)
	if err != nil || now != from {
		return err
	}
	// First the state: otherwise the trigger would take the writes below for those of another program.
	if _, err := w.exec(writeSearchState, int64(to.folding), to.through); err != nil {
		return err
	}
	for _, t := range stale {
		changed, err := w.exec(renewTicket, t.listID, t.hash, t.version)
		if err != nil {
			return err
		}
		if changed > 0 {
			w.removeFromSearch(t.listID)
			w.addToSearch(t.listID, t.words)
		}
	}
	return nil
}
