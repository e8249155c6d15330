// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import java.io.ByteArrayInputStream;
import java.net.URISyntaxException;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextReaderTest {
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    /** They cut texts in different ways; Llama 3 keeps line ends with the marks before them. */
    private static final List<Tokenizer> TOKENIZERS = List.of(TOKENIZER, golden("llama3"), golden("qwen2"));
    private static final String[] BITS = {"word", "Über", "日本", "。", " ", " ", "  ", "\n", "\n\n", "\t", "\u00A0",
        "\u3000",
        "\u0085", "\r\n", "'ll", "12", "😀", ".", ".\n", "!?"};

    @TempDir
    Path dir;

    /** So that a text can be read by several, with the pieces of one. */
    @Test
    void readingGoesOnFromEachPlaceWithTheSamePieces() throws IOException {
        for (int seed = 0; seed < 4; seed++) {
            var random = new SplittableRandom(seed);
            var text = new StringBuilder(seed % 2 == 0 ? "" : "\uFEFF");
            while (text.length() < 400_000) {
                // stretches without a place to cut, longer than a block
                text.append(random.nextInt(20_000) == 0 ? "😀".repeat(80_000) : BITS[random.nextInt(BITS.length)]);
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            var pieces = new ArrayList<String>();
            var places = new ArrayList<TextReader.Place>();
            TextReader.pieces(new ByteArrayInputStream(bytes), TextReader.Place.START, 30_000, 60_000,
                    (piece, next) -> pieces.add(piece) && places.add(next));
            var whole = new ArrayList<String>();
            TextReader.pieces(new ByteArrayInputStream(bytes), 30_000, 60_000, whole::add);
            assertEquals(whole, pieces);
            for (int i = 0; i + 1 < places.size(); i++) {
                int begin = (int) places.get(i).begin();
                var rest = new ArrayList<String>();
                TextReader.pieces(new ByteArrayInputStream(bytes, begin, bytes.length - begin), places.get(i), 30_000,
                        60_000, (piece, _) -> rest.add(piece));
                assertEquals(pieces.subList(i + 1, pieces.size()), rest);
            }
            assertEquals(bytes.length, places.getLast().begin());
        }
    }

    @Test
    void tokensOfThePiecesAreTheTokensOfTheFile() throws IOException {
        for (int seed = 0; seed < 20; seed++) {
            var random = new SplittableRandom(seed);
            var text = new StringBuilder();
            while (text.length() < 300_000) {
                text.append(BITS[random.nextInt(BITS.length)]);
            }
            Path file = Files.writeString(dir.resolve(seed + ".txt"), text);
            var pieces = new ArrayList<String>();
            try (InputStream in = Files.newInputStream(file)) {
                TextReader.pieces(in, 1000, 1 << 20, pieces::add);
            }
            assertTrue(pieces.size() > 2, "read in blocks");
            assertEquals(text.toString(), String.join("", pieces));
            for (Tokenizer tokenizer : TOKENIZERS) {
                String what = tokenizer.description() + ", seed " + seed;
                if (seed == 0) {
                    assertArrayEquals(tokenizer.encode(text.toString()), tokens(tokenizer, pieces), what);
                }
                for (int i = 1; i < pieces.size(); i++) {
                    var cut = List.of(end(pieces.get(i - 1)), begin(pieces.get(i)));
                    assertArrayEquals(tokenizer.encode(String.join("", cut)), tokens(tokenizer, cut), what);
                }
            }
        }
    }

    private static int[] tokens(Tokenizer tokenizer, List<String> pieces) {
        return pieces.stream().flatMapToInt(piece -> IntStream.of(tokenizer.encode(piece))).toArray();
    }

    /** As far as the other side of a cut could change a token. */
    private static String end(String piece) {
        int from = Math.max(0, piece.length() - 2000);
        return piece.substring(Character.isLowSurrogate(piece.charAt(from)) ? from + 1 : from);
    }

    private static String begin(String piece) {
        int to = Math.min(piece.length(), 2000);
        return piece.substring(0, Character.isHighSurrogate(piece.charAt(to - 1)) ? to - 1 : to);
    }

    private static Tokenizer golden(String name) {
        try {
            return Tokenizers.open(Path.of(TextReaderTest.class.getResource("/golden/tokenizers/" + name + ".json")
                    .toURI()).toString());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void textWithoutSpacesIsCutAtTheLimit() throws IOException {
        String text = "😀".repeat(500_000);
        var pieces = new ArrayList<String>();
        TextReader.pieces(in(text.getBytes(StandardCharsets.UTF_8)), 1000, 200_001, pieces::add);
        assertEquals(text, String.join("", pieces));
        pieces.forEach(piece -> assertTrue(piece.length() < 400_000 && !Character.isLowSurrogate(piece.charAt(0))));
    }

    @Test
    void namesTheFirstByteThatIsNoText() throws IOException {
        String text = "é😀 日本 plain ".repeat(40_000);
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        assertEquals(TextReader.Checked.TEXT, check(text));
        assertEquals(new TextReader.Checked(TextReader.Defect.NUL_BYTE, bytes + 1), check(text + "a\0b\0c"));
        IOException nul = assertThrows(IOException.class,
                () -> TextReader.pieces(in((text + "a\0").getBytes(StandardCharsets.UTF_8)), _ -> {
                }));
        assertEquals("NUL byte at byte " + (bytes + 1), nul.getMessage());
        byte[] cut = "abc\u00E9".getBytes(StandardCharsets.UTF_8);
        assertEquals(new TextReader.Checked(TextReader.Defect.NOT_UTF8, 3),
                TextReader.check(in(Arrays.copyOf(cut, 4))));
        byte[] latin = new byte[300_000];
        Arrays.fill(latin, (byte) 'a');
        latin[299_000] = (byte) 0xE9;
        assertEquals(299_000, TextReader.check(in(latin)).offset());
    }

    private static InputStream in(byte[] bytes) {
        return new ByteArrayInputStream(bytes);
    }

    private static TextReader.Checked check(String text) throws IOException {
        return TextReader.check(in(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aByteOrderMarkIsSkipped() throws IOException {
        var pieces = new ArrayList<String>();
        TextReader.pieces(in("\uFEFFabc".getBytes(StandardCharsets.UTF_8)), pieces::add);
        assertEquals(List.of("abc"), pieces);
    }
}
