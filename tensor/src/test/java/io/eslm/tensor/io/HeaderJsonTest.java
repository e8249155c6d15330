// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderJsonTest {
    @Test
    void everyKindOfValue() throws HeaderJson.Malformed {
        Map<String, Object> expected = new HashMap<>();
        expected.put("s", "a\"\\/\b\f\n\r\tüö😀😀");
        expected.put("n", Arrays.asList(0L, -5L, 123456789012345678L, 1.5, -2e3, 1e-2, 1e30));
        expected.put("w", Arrays.asList(true, false, null));
        expected.put("o", Map.of("", List.of(), "e", Map.of()));
        assertEquals(expected, HeaderJson.parse("""
                { "s" : "a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\u00f6\\ud83d\\uDE00\ud83d\ude00",
                 "n":[0,-5,123456789012345678,1.5,-2e3,1E-2,1000000000000000000000000000000],
                 "w":[true,false , null],\t"o":{"":[ ],"e":{ }}}  \r
                """));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "[]", "1", "{", "}", "{]", "{} x", "{}{}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{,\"a\":1}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":1.}",
        "{\"a\":.5}", "{\"a\":1e}", "{\"a\":NaN}", "{\"a\":tru}", "{\"a\":nul}", "{\"a\":[1,]}", "{\"a\":[1 2]}",
        "{\"a\":[}", "{\"a\":\"b}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00x\"}", "{\"a\":\"\\ud800\\ud800\"}", "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}", " {\"a\":1", "{\"a\":1]", "{\"a\":\"\\", "\u00a0{}", "{\"a\":\"\\u００４１\"}"})
    void whatIsNotJsonIsRefused(String text) {
        assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse(text));
    }

    @Test
    void nestingHasALimit() throws HeaderJson.Malformed {
        String fits = "{\"a\":" + "[".repeat(15) + "]".repeat(15) + "}";
        assertEquals(1, HeaderJson.parse(fits).size());
        assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse("{\"a\":" + "[".repeat(100_000)));
        assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse("{\"a\":".repeat(100_000)));
    }

    @Test
    void errorsSayWhere() {
        assertEquals("character 5 is '}', expected a value",
                assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse("{\"a\":}")).getMessage());
        assertEquals("character 6 is ']', expected ',' or '}'",
                assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse("{\"a\":1]")).getMessage());
        assertEquals("it ends too early",
                assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse("{\"a\":")).getMessage());
        assertEquals("the name \"a\" occurs twice",
                assertThrows(HeaderJson.Malformed.class, () -> HeaderJson.parse("{\"a\":1,\"a\":1}")).getMessage());
    }
}
