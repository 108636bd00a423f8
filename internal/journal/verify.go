package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The layout of a bbolt file (version 2), little endian as on every machine
// that supd is built for:
//
//	page    id (8) flags (2) count (2) overflow (4), then by flags:
//	meta    magic (4) version (4) page size (4) flags (4) root (8) sequence (8) freelist (8) pages (8) txid (8) checksum (8)
//	branch  count × { key at (4) key size (4) child (8) }, keys
//	leaf    count × { flags (4) key at (4) key size (4) value size (4) }, keys and values
//	bucket  a value: root (8) sequence (8); root 0: a leaf page follows
const (
	pageHeader  = 16
	elementSize = 16
	bucketSize  = 16
	metaSize    = 64

	metaMagic   = 0xED0CDAED
	metaVersion = 2

	flagBranch   = 1
	flagLeaf     = 2
	flagFreelist = 16
	leafBucket   = 1

	noFreelist   = 1<<64 - 1
	manyFree     = 0xFFFF // count that says: the first entry is the count
	depthMax     = 64
	pageSizeMin  = 1 << 10
	pageSizeMax  = 64 << 10
	overflowsMax = 1 << 16 // pages of one node: far above what is ever written
)

// verify walks the whole tree of a database that is locked and not mapped yet.
// bbolt trusts its file: a page that points to itself would overflow the stack,
// which no recover catches and which would end supd. Reading all of it once
// costs about a millisecond per megabyte.
func verify(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil // a new one
	}
	v := &verifier{f: f, size: info.Size()}
	if why := v.run(); why != nil {
		if why.io != nil {
			return fmt.Errorf("cannot read journal %q: %w", f.Name(), why.io)
		}
		return &DamagedError{f.Name(), why.what}
	}
	return nil
}

// emptied says of a database that was there before that it has lost its content: only one made just now may be empty.
func emptied(f *os.File) error {
	info, err := f.Stat()
	if err == nil && info.Size() == 0 {
		err = &DamagedError{f.Name(), "the file is empty"}
	}
	return err
}

// fault is what verify found: a file that is wrong, or one that cannot be read.
type fault struct {
	what string
	io   error
}

func wrong(format string, args ...any) *fault { return &fault{what: fmt.Sprintf(format, args...)} }

type verifier struct {
	f        io.ReaderAt
	size     int64
	pageSize int64
	pages    uint64 // of the meta page: no page has a higher number
	seen     map[uint64]bool
}

func (v *verifier) run() *fault {
	m, fault := v.meta()
	if fault != nil {
		return fault
	}
	v.seen = map[uint64]bool{0: true, 1: true}
	if fault := v.node(m.root, 0, nil, nil); fault != nil {
		return fault
	}
	if m.freelist == noFreelist {
		return nil
	}
	return v.freelist(m.freelist)
}

type meta struct{ root, freelist, pages, tx uint64 }

// meta finds the meta page in force: the valid one with the higher transaction.
func (v *verifier) meta() (best meta, _ *fault) {
	found := false
	for _, size := range v.pageSizes() {
		for i := range int64(2) {
			b := make([]byte, metaSize)
			if _, err := v.f.ReadAt(b, i*size+pageHeader); err == io.EOF {
				continue
			} else if err != nil {
				return best, &fault{io: err}
			}
			m, ok := parseMeta(b, size)
			if ok && (!found || m.tx > best.tx) {
				best, found, v.pageSize, v.pages = m, true, size, m.pages
			}
		}
		if found {
			return best, nil
		}
	}
	return best, wrong("no valid header")
}

func (v *verifier) pageSizes() (sizes []int64) {
	for s := int64(pageSizeMin); s <= pageSizeMax; s *= 2 {
		sizes = append(sizes, s)
	}
	return sizes
}

func parseMeta(b []byte, pageSize int64) (m meta, ok bool) {
	h := fnv.New64a()
	h.Write(b[:metaSize-8])
	le := binary.LittleEndian
	ok = le.Uint32(b) == metaMagic && le.Uint32(b[4:]) == metaVersion && int64(le.Uint32(b[8:])) == pageSize && le.Uint64(b[56:]) == h.Sum64()
	return meta{root: le.Uint64(b[16:]), freelist: le.Uint64(b[32:]), pages: le.Uint64(b[40:]), tx: le.Uint64(b[48:])}, ok
}

// page reads page id with its overflow and marks it as used.
func (v *verifier) page(id uint64) (b []byte, flags uint16, count int, _ *fault) {
	at := int64(id) * v.pageSize
	if id < 2 || id >= v.pages || at < 0 || at+v.pageSize > v.size {
		return nil, 0, 0, wrong("page %d is outside of the file", id)
	}
	b = make([]byte, v.pageSize)
	if _, err := v.f.ReadAt(b, at); err != nil {
		return nil, 0, 0, &fault{io: err}
	}
	le := binary.LittleEndian
	flags, count = le.Uint16(b[8:]), int(le.Uint16(b[10:]))
	more := uint64(le.Uint32(b[12:]))
	if le.Uint64(b) != id {
		return nil, 0, 0, wrong("page %d says it is page %d", id, le.Uint64(b))
	}
	if more > overflowsMax || id+more >= v.pages || at+int64(more+1)*v.pageSize > v.size {
		return nil, 0, 0, wrong("page %d reaches beyond the file", id)
	}
	for p := id; p <= id+more; p++ {
		if v.seen[p] {
			return nil, 0, 0, wrong("page %d is used twice", p)
		}
		v.seen[p] = true
	}
	if more > 0 {
		b = make([]byte, int64(more+1)*v.pageSize)
		if _, err := v.f.ReadAt(b, at); err != nil {
			return nil, 0, 0, &fault{io: err}
		}
	}
	return b, flags, count, nil
}

// node verifies the tree below page id, whose keys lie in [low, high) (nil: open).
func (v *verifier) node(id uint64, depth int, low, high []byte) *fault {
	if depth > depthMax {
		return wrong("page %d lies too deep", id)
	}
	b, flags, count, fault := v.page(id)
	if fault != nil {
		return fault
	}
	switch flags {
	case flagLeaf:
		return v.leaf(b, id, count, depth, low, high)
	case flagBranch:
		return v.branch(b, id, count, depth, low, high)
	}
	return wrong("page %d has the unknown type %#x", id, flags)
}

// part is the key or value of element i that begins at from; the elements'
// array is never part of it.
func part(b []byte, count int, from, size uint64) ([]byte, bool) {
	if from < uint64(pageHeader+count*elementSize) || from+size > uint64(len(b)) {
		return nil, false
	}
	return b[from : from+size], true
}

func ordered(k, low, high []byte) bool {
	return (low == nil || bytes.Compare(k, low) >= 0) && (high == nil || bytes.Compare(k, high) < 0)
}

func (v *verifier) branch(b []byte, id uint64, count, depth int, low, high []byte) *fault {
	if count == 0 || pageHeader+count*elementSize > len(b) {
		return wrong("branch page %d has %d entries", id, count)
	}
	le := binary.LittleEndian
	keys := make([][]byte, count)
	children := make([]uint64, count)
	for i := range count {
		at := uint64(pageHeader + i*elementSize)
		k, ok := part(b, count, at+uint64(le.Uint32(b[at:])), uint64(le.Uint32(b[at+4:])))
		if !ok || i > 0 && bytes.Compare(keys[i-1], k) >= 0 || i > 0 && !ordered(k, low, high) {
			return wrong("branch page %d: entry %d has an impossible key", id, i)
		}
		keys[i], children[i] = k, le.Uint64(b[at+8:])
	}
	for i := range count {
		below, above := keys[i], high
		if i == 0 {
			below = low // bbolt does not rely on the first key
		}
		if i+1 < count {
			above = keys[i+1]
		}
		if fault := v.node(children[i], depth+1, below, above); fault != nil {
			return fault
		}
	}
	return nil
}

func (v *verifier) leaf(b []byte, id uint64, count, depth int, low, high []byte) *fault {
	if pageHeader+count*elementSize > len(b) {
		return wrong("leaf page %d has %d entries", id, count)
	}
	le := binary.LittleEndian
	last := []byte(nil)
	for i := range count {
		at := uint64(pageHeader + i*elementSize)
		from, size := at+uint64(le.Uint32(b[at+4:])), uint64(le.Uint32(b[at+8:]))
		k, ok := part(b, count, from, size)
		if !ok || len(k) == 0 || i > 0 && bytes.Compare(last, k) >= 0 || !ordered(k, low, high) {
			return wrong("leaf page %d: entry %d has an impossible key", id, i)
		}
		last = k
		value, ok := part(b, count, from+size, uint64(le.Uint32(b[at+12:])))
		if !ok {
			return wrong("leaf page %d: entry %d has an impossible value", id, i)
		}
		switch flags := le.Uint32(b[at:]); flags {
		case 0:
		case leafBucket:
			if fault := v.bucket(value, id, depth); fault != nil {
				return fault
			}
		default:
			return wrong("leaf page %d: entry %d has the unknown type %#x", id, i, flags)
		}
	}
	return nil
}

// bucket verifies a bucket's tree, or the page inside its value.
func (v *verifier) bucket(value []byte, id uint64, depth int) *fault {
	if len(value) < bucketSize {
		return wrong("leaf page %d: a bucket is too short", id)
	}
	le := binary.LittleEndian
	if root := le.Uint64(value); root != 0 {
		return v.node(root, depth+1, nil, nil)
	}
	inline := value[bucketSize:]
	if len(inline) < pageHeader || le.Uint64(inline) != 0 || le.Uint16(inline[8:]) != flagLeaf || depth > depthMax {
		return wrong("leaf page %d: a bucket is malformed", id)
	}
	return v.leaf(inline, id, int(le.Uint16(inline[10:])), depth+1, nil, nil)
}

// freelist verifies that no page in use counts as free: it would be overwritten.
func (v *verifier) freelist(id uint64) *fault {
	b, flags, count, fault := v.page(id)
	if fault != nil {
		return fault
	}
	le := binary.LittleEndian
	ids := b[pageHeader:]
	n := uint64(count)
	if count == manyFree {
		n, ids = le.Uint64(ids), ids[8:]
	}
	if flags != flagFreelist || n > uint64(len(ids)/8) {
		return wrong("the list of free pages is malformed")
	}
	last := uint64(1)
	for i := range n {
		free := le.Uint64(ids[i*8:])
		if free <= last || free >= v.pages || v.seen[free] {
			return wrong("the list of free pages names page %d, which is in use or does not exist", free)
		}
		last = free
	}
	return nil
}
