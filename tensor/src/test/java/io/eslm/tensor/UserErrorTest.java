// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class UserErrorTest {
    @Test
    void aLongMessageKeepsItsBeginningAndItsEnd() {
        String message = new UserError("unknown word '" + "x".repeat(100_000) + "'; words are: a, b").getMessage();
        assertTrue(message.length() < 3100, message);
        assertTrue(message.startsWith("unknown word 'xxx"), message);
        assertTrue(message.endsWith("xxx'; words are: a, b"), message);
        assertTrue(message.contains("xxx… xxx"), message);
    }

    @Test
    void whatIsCutIsNotCutInsideACharacter() {
        assertEquals("abc…", UserError.within(4, "abc😀d"));
        assertEquals("abc😀…", UserError.within(5, "abc😀d"));
        assertEquals("abcd", UserError.within(4, "abcd"));
        String message = new UserError("a" + "😀".repeat(5000)).getMessage();
        assertEquals(message, new String(message.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
    }
}
