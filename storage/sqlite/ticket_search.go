package sqlite

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertSearch = define(`INSERT INTO ticket_search (rowid, words) VALUES (?, ?)`)
	deleteSearch = define(`DELETE FROM ticket_search WHERE rowid = ?`)
	mergeSearch  = define(`INSERT INTO ticket_search (ticket_search, rank) VALUES ('merge', ?)`)
	totalChanges = define(`SELECT total_changes()`)
)

// searchVersion is to be raised when searchWords makes other words of the same ticket: its next save writes them anew then.
const searchVersion = "1"

// searchHash tells whether two states of a ticket have the same searchWords, which take longer to make.
func searchHash(t *storage.Ticket) int64 {
	return hash(strings.Join([]string{searchVersion, t.Status, t.Priority, t.GroupID, t.CreatedBy.Kind, t.CreatedBy.ID, t.Title, t.Description}, "\x00"))
}

// searchWords are a ticket's trigrams, and what else a search may be filtered by, as words of ticket_search.
func searchWords(t *storage.Ticket) string {
	words := filterWords(t.Status, t.Priority, t.GroupID, storage.CreatorKey{Kind: t.CreatedBy.Kind, ID: t.CreatedBy.ID})
	for _, gram := range storage.Grams(t) {
		words = append(words, word('t', gram))
	}
	return strings.Join(words, " ")
}

func filterWords(status, priority, group string, creator storage.CreatorKey) (words []string) {
	if status != "" {
		words = append(words, word('s', status))
	}
	if priority != "" {
		words = append(words, word('p', priority))
	}
	if group != "" {
		words = append(words, word('g', group))
	}
	if creator != (storage.CreatorKey{}) {
		words = append(words, word('c', creator.Kind+"\x00"+creator.ID))
	}
	return words
}

// word is a word that the tokenizer leaves as it is. A long one is cut: what is found is looked at.
func word(kind byte, text string) string {
	text = text[:min(len(text), 64)]
	b := make([]byte, 1+2*len(text))
	b[0] = kind
	hex.Encode(b[1:], []byte(text))
	return string(b)
}

func hash(text string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return int64(h.Sum64())
}

// searchWrite adds a ticket to the search, or takes one away.
type searchWrite struct {
	listID int64
	words  string
	gone   bool
}

func (w *writer) searchable(listID int64, words string) {
	w.search = append(w.search, searchWrite{listID: listID, words: words})
}

func (w *writer) unsearchable(listID int64) {
	w.search = append(w.search, searchWrite{listID: listID, gone: true})
}

// forgetSearch leaves the first n of what is to be written.
func (w *writer) forgetSearch(n int) {
	clear(w.search[n:])
	w.search = w.search[:n]
}

// FTS5 merges the segments of its index, one for each transaction, as they become many. By itself it does so after every 64 pages
// that were written, and then keeps everyone waiting for 30 ms; so it is told not to (schema2), and each transaction merges a little.
// What that leaves it merges by itself when there are 16 of one size. A merge ends after the word that reached the limit, which in a
// large database may have hundreds of pages. So what it wrote is counted, and the next transactions merge nothing until that is
// made up for.
const (
	// What a ticket adds to what merging may write, in rows of FTS5's tables: so many, and one for so many of its words. Merging the
	// segments of four transactions into one writes about 36 besides the words; with what comes later this is twice what is needed.
	rowsATicket = 12
	wordsARow   = 8

	leastMerge = 20  // rows with which it is worth a try: each rewrites the list of segments, and the first page of each
	mostMerge  = 400 // rows that were not needed and may still be written later
	rowsAPage  = 4   // a page of the result, its place in the index, and what it was made of is deleted
)

// writeSearch is the end of a transaction: a savepoint after a write of the search would have it write a segment of its index
// for each ticket, which are merged later, instead of one for all (docs/decisions.md, D49). An error leaves the transaction to be
// rolled back.
func (w *writer) writeSearch() (err error) {
	if len(w.search) == 0 {
		return nil
	}
	if err := w.mergeSearch(); err != nil {
		return err
	}
	// FTS5 writes a segment before each ticket that is older than the one before it.
	slices.SortStableFunc(w.search, func(a, b searchWrite) int { return cmp.Compare(a.listID, b.listID) })
	for _, s := range w.search {
		if s.gone {
			_, err = w.exec(deleteSearch, s.listID)
		} else {
			_, err = w.exec(insertSearch, s.listID, s.words)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mergeSearch merges a little of the index, as much as this transaction is due for (docs/decisions.md, D54).
func (w *writer) mergeSearch() error {
	w.mergeable = min(w.mergeable, mostMerge)
	for _, s := range w.search {
		w.mergeable += int64(rowsATicket + strings.Count(s.words, " ")/wordsARow)
	}
	if w.mergeable < leastMerge {
		return nil
	}
	before, err := w.changes()
	if err != nil {
		return err
	}
	if _, err := w.exec(mergeSearch, w.mergeable/rowsAPage); err != nil {
		return err
	}
	after, err := w.changes()
	w.mergeable -= after - before
	return err
}

// changes counts the rows that the connection has written, also of FTS5's own tables.
func (w *writer) changes() (n int64, err error) {
	err = w.conn.query(totalChanges, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}
