// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JdkTokenizerTest {
    private static final String TEXT = """
            /** Returns the number of elements in this list. */
            public int size() { return élan; }<|endoftext|>
            """;

    @Test
    void itKnowsTheWordsOfJavaAndEveryOtherText() {
        Tokenizer jdk = Tokenizers.open("jdk");
        assertEquals(4096, jdk.vocabSize());
        assertEquals(TEXT, jdk.decode(jdk.encode(TEXT)));
        for (String word : List.of("Returns", " elements", " IllegalArgumentException", " private")) {
            assertEquals(1, jdk.encode(word).length, word);
        }
    }

    @Test
    void itsFilesAreThatTokenizer(@TempDir Path dir) {
        Tokenizer jdk = Tokenizers.open("jdk");
        Tokenizers.write(jdk, dir);
        Tokenizer read = Tokenizers.inFolder(dir).orElseThrow();
        assertTrue(Tokenizers.firstDifference(jdk, read).isEmpty());
        assertArrayEquals(jdk.encode(TEXT), read.encode(TEXT));
    }
}
