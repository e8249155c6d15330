// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvalWindowsTest {
    @TempDir
    Path dir;
    private TokenSet set;

    @BeforeEach
    void threeDomains() throws IOException {
        set = new TokenSet(Tokens.counting(dir, 2000), List.of(
                new Domain("small", List.of(new Range(0, 6))),
                new Domain("split", List.of(new Range(6, 30), new Range(40, 41), new Range(50, 100))),
                new Domain("large", List.of(new Range(100, 2000)))));
    }

    @Test
    void everyTokenButTheFirstOfARangeIsPredictedOnceInItsDomain() {
        EvalWindows windows = EvalWindows.all(set, 8);
        var predicted = new BitSet();
        int lastDomain = 0;
        for (long i = 0; i < windows.size(); i++) {
            EvalWindows.Window window = windows.window(i);
            assertTrue(window.domain() >= lastDomain);
            lastDomain = window.domain();
            for (long t = window.begin() + 1; t <= window.begin() + window.length(); t++) {
                long token = t;
                assertTrue(set.domains().get(window.domain()).ranges().stream()
                        .anyMatch(range -> token > range.begin() && token < range.end()), "token " + t);
                assertTrue(!predicted.get((int) t), "twice: " + t);
                predicted.set((int) t);
            }
        }
        assertEquals(5 + 23 + 49 + 1899, predicted.cardinality());
        assertEquals(List.of(5L, 72L, 1899L),
                List.of(windows.predictions(0), windows.predictions(1), windows.predictions(2)));
        assertThrows(IndexOutOfBoundsException.class, () -> windows.window(windows.size()));
    }

    /** Together the halves predict the same tokens as the whole set, in similar shares, for any context length. */
    @ParameterizedTest
    @ValueSource(ints = {1, 8, 100})
    void halvesShareEachDomain(int contextLength) {
        var predicted = new BitSet();
        for (TokenSet.Half half : TokenSet.Half.values()) {
            EvalWindows windows = EvalWindows.all(set.half(half), contextLength);
            for (int d = 0; d < 3; d++) {
                long whole = set.domains().get(d).predictions();
                assertEquals("small split large".split(" ")[d], windows.domains().get(d).name());
                assertEquals(whole / 2.0, windows.predictions(d), 1 + whole * 0.1, half + " of domain " + d);
            }
            for (long i = 0; i < windows.size(); i++) {
                EvalWindows.Window window = windows.window(i);
                for (long t = window.begin() + 1; t <= window.begin() + window.length(); t++) {
                    assertTrue(!predicted.get((int) t), "twice: " + t);
                    predicted.set((int) t);
                }
            }
        }
        assertEquals(5 + 23 + 49 + 1899, predicted.cardinality());
    }

    /** Ranges of a piece and a bit: taken strictly in turn, one half would get all the bits. */
    @Test
    void halvesAreBalancedInPredictions() {
        var ranges = IntStream.range(0, 10).mapToObj(i -> new Range(i * 1100L, i * 1100L + 1031)).toList();
        TokenSet many = new TokenSet(set.tokens(), List.of(new Domain("many", ranges)));
        assertEquals(5150, many.half(TokenSet.Half.FINAL).domains().getFirst().predictions(), 1024);
        assertEquals(5150, many.half(TokenSet.Half.TUNE).domains().getFirst().predictions(), 1024);
    }

    @Test
    void aSinglePredictionIsFinal() {
        TokenSet one = new TokenSet(set.tokens(), List.of(new Domain("one", List.of(new Range(3, 5)))));
        assertEquals(List.of(new Range(3, 5)), one.half(TokenSet.Half.FINAL).domains().getFirst().ranges());
        assertTrue(assertThrows(UserError.class, () -> one.half(TokenSet.Half.TUNE)).getMessage()
                .contains("too few for two halves"));
    }

    @Test
    void aShortWindowIsPadded() {
        EvalWindows windows = EvalWindows.all(set, 8);
        int[] inputs = new int[16];
        int[] targets = new int[16];
        windows.fill(windows.window(0), 1, inputs, targets);
        assertArrayEquals(new int[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0}, inputs);
        assertArrayEquals(new int[] {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, -1, -1, -1}, targets);
    }

    @Test
    void aSubsetSharesItsWindowsAmongTheDomainsAndSpreadsThem() {
        EvalWindows quick = EvalWindows.all(set, 8).subset(5, 4);
        assertEquals(20, quick.size());
        int[] perDomain = new int[3];
        var begins = new BitSet();
        for (long i = 0; i < quick.size(); i++) {
            perDomain[quick.window(i).domain()]++;
            begins.set((int) quick.window(i).begin());
        }
        assertArrayEquals(new int[] {1, 9, 10}, perDomain);
        assertEquals(20, begins.cardinality());
        // 10 windows of the 238 of "large" begin 11.9, 35.7, … of them in: the middles of ten equal parts.
        assertEquals(100 + 11 * 8, quick.window(10).begin());
        assertEquals(100 + 226 * 8, quick.window(19).begin());
        assertEquals(1899, quick.predictions(2));
    }

    @Test
    void aSubsetLargerThanTheSetIsTheSet() {
        EvalWindows all = EvalWindows.all(set, 8);
        EvalWindows quick = all.subset(1000, 64);
        assertEquals(all.size(), quick.size());
        for (long i = 0; i < all.size(); i++) {
            assertEquals(all.window(i), quick.window(i));
        }
    }
}
