package sqlite

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/storage"
)

// The search index is ticket_search, an FTS5 table without content: for each ticket it holds the grams of title and
// description, and what a search may be filtered by. The end of each transaction writes it.

var (
	insertSearch = define(`INSERT INTO ticket_search (rowid, words) VALUES (?, ?)`)
	deleteSearch = define(`DELETE FROM ticket_search WHERE rowid = ?`)
	mergeSearch  = define(`INSERT INTO ticket_search (ticket_search, rank) VALUES ('merge', ?)`)
	totalChanges = define(`SELECT total_changes()`)
)

// searchVersion is another one when searchWords returns other words for the same ticket. Reindex, or each ticket's next
// save, then writes its words again.
var searchVersion = strconv.Itoa(storage.FoldVersion)

// searchHash is equal for two states of a ticket with the same searchWords. It is faster to compute.
func searchHash(t *storage.Ticket) int64 {
	return hash(strings.Join([]string{
		searchVersion, t.Status, t.Priority, t.GroupID, t.CreatedBy.Kind, t.CreatedBy.ID, t.Title, t.Description,
	}, "\x00"))
}

// searchWords returns a ticket's words in the search index: its grams, and what a search may be filtered by.
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

// word returns a word that the tokenizer leaves as it is. A long text is cut, because every candidate is examined
// anyway.
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

// searchWrite adds a ticket to the search index or removes one.
type searchWrite struct {
	listID int64
	words  string
	remove bool
}

func (w *writer) addToSearch(listID int64, words string) {
	w.search = append(w.search, searchWrite{listID: listID, words: words})
}

func (w *writer) removeFromSearch(listID int64) {
	w.search = append(w.search, searchWrite{listID: listID, remove: true})
}

// forgetSearch drops all but the first n waiting writes.
func (w *writer) forgetSearch(n int) {
	clear(w.search[n:])
	w.search = w.search[:n]
}

// Each transaction adds a segment to the index, and FTS5 merges segments as they become many. Its automatic merge
// runs after every 64 pages and makes everyone wait for 30 ms. So it is turned off (schema2), and each transaction
// merges a little instead. When 16 segments of one size remain, FTS5 merges them nevertheless.
//
// A merge has a budget, in rows of FTS5's tables. It stops only after the word that reaches the limit, and in a large
// database one word may have hundreds of pages. So the rows that it wrote are counted, and after a merge that
// exceeded the budget the next transactions merge nothing until tickets have made up for it.
const (
	// A ticket adds rowsPerTicket rows to the budget, and one row for wordsPerRow of its words. Merging the segments of
	// four transactions into one writes about 36 rows besides the words. With the merges of the results this is twice
	// what is needed.
	rowsPerTicket = 12
	wordsPerRow   = 8

	// minMerge is the least budget for which a merge is worthwhile: each rewrites the list of segments, and the first
	// page of each segment.
	minMerge       = 20
	maxMergeBudget = 400 // of an unused budget, more rows than this expire
	rowsPerPage    = 4   // a page of the result, its entry in the index, and the deletion of what it was merged from
)

// writeSearch writes the search index at the end of a transaction, when no savepoint follows. After each savepoint
// FTS5 would write a segment for each ticket, to be merged later, instead of one for all (docs/decisions.md, D49).
// After an error the transaction must be rolled back.
func (w *writer) writeSearch() (err error) {
	if len(w.search) == 0 {
		return nil
	}
	if err := w.mergeSearch(); err != nil {
		return err
	}
	// FTS5 starts another segment at each ticket that is older than the one before it.
	slices.SortStableFunc(w.search, func(a, b searchWrite) int { return cmp.Compare(a.listID, b.listID) })
	for _, s := range w.search {
		if s.remove {
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

// mergeSearch merges segments of the index, within the budget (docs/decisions.md, D54).
func (w *writer) mergeSearch() error {
	w.mergeBudget = min(w.mergeBudget, maxMergeBudget)
	for _, s := range w.search {
		w.mergeBudget += int64(rowsPerTicket + strings.Count(s.words, " ")/wordsPerRow)
	}
	if w.mergeBudget < minMerge {
		return nil
	}
	before, err := w.changes()
	if err != nil {
		return err
	}
	if _, err := w.exec(mergeSearch, w.mergeBudget/rowsPerPage); err != nil {
		return err
	}
	after, err := w.changes()
	w.mergeBudget -= after - before
	return err
}

// changes returns how many rows the connection has written so far, including those of FTS5's own tables.
func (w *writer) changes() (n int64, err error) {
	err = w.conn.query(totalChanges, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}
