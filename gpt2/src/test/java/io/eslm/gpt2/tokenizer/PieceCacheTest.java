// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.eslm.gpt2.Golden;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is remembered is what would be computed again, in any number of threads. */
class PieceCacheTest {
    @Test
    void onlyTheSamePieceIsFound() {
        var cache = new PieceCache();
        byte[] text = {1, 2, 3, 1, 2, 4};
        cache.put(text, 0, 3, 5, new int[] {9, 8, 7}, 1, 3);
        assertArrayEquals(new int[] {8, 7}, cache.get(text, 0, 3, 5));
        assertNull(cache.get(text, 3, 6, 5), "another piece with this hash");
        assertNull(cache.get(text, 0, 2, 5), "its beginning");
        cache.put(text, 3, 6, 5, new int[] {1}, 0, 1);
        assertNull(cache.get(text, 0, 3, 5), "replaced");
    }

    /** More pieces than are remembered. */
    @Test
    void threadsGetTheTokensOfAFreshTokenizer() {
        String file = Golden.folder("tokenizers").resolve("gpt2.json").toString();
        Tokenizer shared = Tokenizers.open(file);
        List<int[]> all = IntStream.range(0, 64).parallel().mapToObj(i -> shared.encode(text(i))).toList();
        for (int i = 0; i < all.size(); i += 8) {
            assertArrayEquals(Tokenizers.open(file).encode(text(i)), all.get(i));
            assertArrayEquals(all.get(i), shared.encode(text(i)));
        }
    }

    private static String text(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < 3000; n++) {
            text.append(' ').append(Integer.toString(random.nextInt(1 << random.nextInt(1, 30)), 36));
        }
        return text.toString();
    }
}
