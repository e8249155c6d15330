// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Token files for tests. */
final class Tokens {
    static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    static final TextEncoder GPT2 = new TextEncoder(TOKENIZER, true);

    private Tokens() {
    }

    static Path write(Path file, int... ids) throws IOException {
        return write(file, new byte[0], ids);
    }

    static Path write(Path file, byte[] header, int... ids) throws IOException {
        var bytes = ByteBuffer.allocate(header.length + 2 * ids.length).order(ByteOrder.LITTLE_ENDIAN).put(header);
        for (int id : ids) {
            bytes.putShort((short) id);
        }
        Files.createDirectories(file.getParent());
        return Files.write(file, bytes.array());
    }

    /** The ids 0, 1, … n − 1. */
    static TokenFile counting(Path dir, int n) throws IOException {
        int[] ids = new int[n];
        Arrays.setAll(ids, i -> i);
        return TokenFile.open(write(dir.resolve("count" + n + ".bin"), ids));
    }

    static int[] ids(TokenFile file) {
        int[] ids = new int[(int) file.size()];
        file.copy(0, ids, 0, ids.length);
        return ids;
    }

    static String text(TokenFile file, Range range) {
        int[] ids = new int[(int) range.size()];
        file.copy(range.begin(), ids, 0, ids.length);
        return TOKENIZER.decode(ids);
    }

    static String text(TokenSet set, String domain) {
        return set.domains().stream().filter(d -> d.name().equals(domain)).findFirst()
                .map(d -> text(set.tokens(), d.ranges().getFirst())).orElse(null);
    }
}
