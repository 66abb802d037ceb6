"""rng.py: whole numbers by chance, the same on every machine and in every Python.

splitmix64 over a seed that is mixed from a path of words, so that each form of each school in each period has a stream
of its own: what is added in one place changes nothing in another.  No float is ever used.
"""

MASK = (1 << 64) - 1


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Rng:
    def __init__(self, *path):
        state = 0xCBF29CE484222325
        for word in path:
            for byte in str(word).encode("utf-8") + b"\0":
                state = ((state ^ byte) * 0x100000001B3) & MASK
        self.state = mix(state)

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return mix(self.state)

    def below(self, limit):
        """0 .. limit - 1"""
        return (self.next() * limit) >> 64

    def between(self, low, high):
        """low .. high, both included"""
        return low + self.below(high - low + 1) if high > low else low

    def chance(self, permille):
        return self.below(1000) < permille

    def count(self, whole, permille):
        """How many of `whole` are so, when each is with that chance."""
        return sum(1 for _ in range(whole) if self.below(1000) < permille)

    def about(self, whole, permille, spread=1):
        """A part of `whole` near the share, `spread` off at most; never negative, never more than the whole."""
        return max(0, min(whole, (whole * permille + 500) // 1000 + self.between(-spread, spread)))

    def pick(self, items):
        return items[self.below(len(items))]

    def weighted(self, pairs):
        """One of (value, weight) pairs."""
        left = self.below(sum(weight for _, weight in pairs))
        for value, weight in pairs:
            if left < weight:
                return value
            left -= weight
        raise AssertionError("weights do not add up")

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def sample(self, items, count):
        return self.shuffled(items)[:count]

    def quota(self, count, pairs):
        """`count` values of (value, permille) pairs in those shares as nearly as whole numbers allow, shuffled."""
        total = sum(weight for _, weight in pairs)
        values, taken, seen = [], 0, 0
        for value, weight in pairs:
            seen += weight
            upto = (count * seen * 2 + total) // (2 * total)
            values += [value] * (upto - taken)
            taken = upto
        return self.shuffled(values)

    def split(self, whole, pairs):
        """`whole` split into named parts by weights, by chance; a dict."""
        parts = {value: 0 for value, _ in pairs}
        for _ in range(whole):
            parts[self.weighted(pairs)] += 1
        return parts
