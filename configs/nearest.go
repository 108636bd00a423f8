package configs

// nearest returns the known name that a mistyped one most likely means, ""
// when none is near: at most a third of the letters may differ.
func nearest(name string, known []string) string {
	best, bestCost := "", 1+max(1, len(name)/3)
	for _, k := range known {
		if cost := editCost(name, k); cost < bestCost {
			best, bestCost = k, cost
		}
	}
	return best
}

// editCost counts the letters to insert, delete, change or swap with their
// neighbour.
func editCost(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			change := prev[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			cur[j] = min(change, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
