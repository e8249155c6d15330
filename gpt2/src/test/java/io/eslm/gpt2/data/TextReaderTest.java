// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
    private static final String[] BITS = {"word", "Über", "日本", "。", " ", " ", "  ", "\n", "\n\n", "\t", "\u00A0",
        "\u3000",
        "\u0085", "\r\n", "'ll", "12", "😀", ".", "!?"};

    @TempDir
    Path dir;

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
            TextReader.pieces(file, 1000, 1 << 20, pieces::add);
            assertTrue(pieces.size() > 2, "read in blocks");
            assertEquals(text.toString(), String.join("", pieces));
            int[] joined = pieces.stream().flatMapToInt(piece -> IntStream.of(Tokens.TOKENIZER.encode(piece)))
                    .toArray();
            assertArrayEquals(Tokens.TOKENIZER.encode(text.toString()), joined, "seed " + seed);
        }
    }

    @Test
    void textWithoutSpacesIsCutAtTheLimit() throws IOException {
        String text = "😀".repeat(500_000);
        var pieces = new ArrayList<String>();
        TextReader.pieces(Files.writeString(dir.resolve("a"), text), 1000, 200_001, pieces::add);
        assertEquals(text, String.join("", pieces));
        pieces.forEach(piece -> assertTrue(piece.length() < 400_000 && !Character.isLowSurrogate(piece.charAt(0))));
    }

    @Test
    void namesTheFirstByteThatIsNoText() throws IOException {
        String text = "é😀 日本 plain ".repeat(40_000);
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        assertEquals(new TextReader.Checked(bytes, null, -1),
                TextReader.check(Files.writeString(dir.resolve("good"), text)));
        assertEquals(new TextReader.Checked(bytes + 5, TextReader.Defect.NUL_BYTE, bytes + 1),
                TextReader.check(Files.writeString(dir.resolve("nul"), text + "a\0b\0c")));
        byte[] cut = "abc\u00E9".getBytes(StandardCharsets.UTF_8);
        assertEquals(new TextReader.Checked(4, TextReader.Defect.NOT_UTF8, 3),
                TextReader.check(Files.write(dir.resolve("cut"), Arrays.copyOf(cut, 4))));
        byte[] latin = new byte[300_000];
        Arrays.fill(latin, (byte) 'a');
        latin[299_000] = (byte) 0xE9;
        assertEquals(299_000, TextReader.check(Files.write(dir.resolve("latin"), latin)).offset());
    }

    @Test
    void aByteOrderMarkIsSkipped() throws IOException {
        var pieces = new ArrayList<String>();
        TextReader.pieces(Files.writeString(dir.resolve("bom"), "\uFEFFabc"), pieces::add);
        assertEquals(List.of("abc"), pieces);
    }
}
