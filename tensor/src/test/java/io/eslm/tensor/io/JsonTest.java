// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonSyntaxException;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @TempDir
    Path folder;

    @Test
    void everyKindOfValue() {
        JsonObject o = Json.parse("""
                { "s" : "a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\u00f6\\ud83d\\uDE00\ud83d\ude00",
                 "n":[0,-5,123456789012345678,1.5,-2e3,1E-2,1000000000000000000000000000000],
                 "w":[true,false , null],\t"o":{"":[ ],"e":{ }}}  \r
                """);
        assertEquals("a\"\\/\b\f\n\r\tüö😀😀", o.get("s").getAsString());
        assertEquals("[0,-5,123456789012345678,1.5,-2000.0,0.01,1.0E30]", o.get("n").toString());
        assertEquals("[true,false,null]", o.get("w").toString());
        assertEquals("{\"\":[],\"e\":{}}", o.get("o").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "[]", "1", "{", "}", "{]", "{} x", "{}{}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{,\"a\":1}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":1.}",
        "{\"a\":.5}", "{\"a\":1e}", "{\"a\":NaN}", "{\"a\":tru}", "{\"a\":nul}", "{\"a\":[1,]}", "{\"a\":[1 2]}",
        "{\"a\":[}", "{\"a\":\"b}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00x\"}", "{\"a\":\"\\ud800\\ud800\"}", "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}", " {\"a\":1", "{\"a\":1]", "{\"a\":\"\\", "\u00a0{}", "{\"a\":\"\\u００４１\"}",
        "{\"a\":1e999}", "{\"a\":TRUE}", "{\"a\":1;\"b\":2}", "{\"a\"=1}", "{\"a\":1} // x", "{\"\\ud800\":1}"})
    void whatIsNotJsonIsRefused(String text) {
        assertThrows(JsonSyntaxException.class, () -> Json.parse(text));
    }

    @Test
    void nestingHasALimit() {
        String fits = "{\"a\":" + "[".repeat(15) + "]".repeat(15) + "}";
        assertEquals(1, Json.parse(fits).size());
        assertThrows(JsonSyntaxException.class, () -> Json.parse("{\"a\":" + "[".repeat(16) + "]".repeat(16) + "}"));
        assertThrows(JsonSyntaxException.class, () -> Json.parse("{\"a\":" + "[".repeat(100_000)));
        assertThrows(JsonSyntaxException.class, () -> Json.parse("{\"a\":".repeat(100_000)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"{\"a\":}|Expected value at line 1 column 6 path $.a",
        "{\"a\":1]|Unterminated object at line 1 column 8 path $.a", "{\"a\":|End of input at line 1 column 6 path $.a",
        "{\"a\":1,\"a\":1}|the name \"a\" occurs twice", "[1]|it is not an object"})
    void errorsSayWhere(String text, String message) {
        assertEquals(message, assertThrows(JsonSyntaxException.class, () -> Json.parse(text)).getMessage());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.0, 0.1, 1.0 / 3, 1e-300, 3e-3, 1234567890123456789.0, 600})
    void everyBitOfANumberSurvives(double value) {
        JsonObject o = new JsonObject();
        o.add("x", Json.number(value));
        assertEquals(value, Json.parse(Json.line(o)).get("x").getAsDouble());
        assertEquals(value, Json.parse(Json.pretty(o)).get("x").getAsDouble());
    }

    @Test
    void numbersThatJsonLacksAreNull() {
        assertTrue(Json.number(Double.NaN).isJsonNull() && Json.number(Double.POSITIVE_INFINITY).isJsonNull()
                && Json.number(Float.NaN).isJsonNull() && Json.number(Float.NEGATIVE_INFINITY).isJsonNull());
        assertEquals("0.1", Json.number(0.1f).toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"n|1.5|\"n\" is 1.5, expected a whole number",
        "n|3000000000|\"n\" is 3000000000, expected a whole number",
        "n|\"2\"|\"n\" is \"2\", expected a whole number", "n|[2]|\"n\" is [2], expected a whole number",
        "x|true|\"x\" is true, expected a number", "b|1|\"b\" is 1, expected true or false",
        "t|1|\"t\" is 1, expected a text", "n|null|has no \"n\""})
    void aFieldOfTheWrongTypeIsNamed(String field, String value, String message) throws IOException {
        Path file = Files.writeString(folder.resolve("f.json"), "{\"" + field + "\":" + value + "}");
        Json json = Json.read(file);
        Class<?> type = switch (field) {
            case "n" -> Integer.class;
            case "x" -> Double.class;
            case "b" -> Boolean.class;
            default -> String.class;
        };
        assertEquals(file + ": " + message,
                assertThrows(UserError.class, () -> json.required(field, type)).getMessage());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MIN_VALUE, Long.MAX_VALUE, -123456789012345678L})
    void everyBitOfAWholeNumberSurvives(long value) throws IOException {
        Json json = Json.read(Files.writeString(folder.resolve("f.json"), "{\"n\":" + value + "}"));
        assertEquals(value, json.required("n", Long.class));
        assertEquals("{\"n\":" + value + "}", Json.line(json.object()));
    }

    @Test
    void fieldsOfEachType() throws IOException {
        Json json = Json.read(Files.writeString(folder.resolve("f.json"),
                "{\"n\":2e1,\"l\":3000000000,\"x\":2,\"b\":true,\"t\":\"a\",\"null\":null,\"o\":{\"n\":1}}"));
        assertEquals(20, json.required("n", Integer.class));
        assertEquals(3_000_000_000L, json.required("l", Long.class));
        assertEquals(2.0, json.required("x", Double.class));
        assertTrue(json.required("b", Boolean.class));
        assertEquals("a", json.required("t", String.class));
        assertEquals("other", json.optional("null", String.class, "other"));
        assertFalse(json.has("null"));
        assertEquals(1, json.child("o").required("n", Integer.class));
        assertThrows(UserError.class, () -> json.child("n"));
    }

    /** Each accessor names the file, the field with its path, and the value. */
    @Test
    void aFieldOfAnotherTypeIsNamedWithItsPath() {
        Json json = Json.of(Path.of("f.json"), """
                {"o":{"n":-1,"p":{"x":"?"}},"list":[{"n":1},{"n":[]},3],"seeds":[1,2.5],"m":{"a":"b","c":4},"big":1e300,
                "long":"%s"}""".formatted("x".repeat(1000)).getBytes(StandardCharsets.UTF_8));
        assertWrong("\"o.n\" is -1, expected a whole number from 0 to 9223372036854775807",
                () -> json.child("o").count("n"));
        assertWrong("\"o.p.x\" is \"?\", expected a number", () -> json.child("o").child("p").number("x"));
        assertWrong("has no \"o.z\"", () -> json.child("o").required("z", String.class));
        assertWrong("has no object \"o.z\"", () -> json.child("o").child("z"));
        assertWrong("\"o.n\" is -1, expected an object", () -> json.child("o").child("n"));
        assertWrong("\"list[2]\" is 3, expected an object", () -> json.children("list"));
        assertWrong("\"o\" is {\"n\":-1,\"p\":{\"x\":\"?\"}}, expected a list", () -> json.children("o"));
        assertWrong("\"seeds[1]\" is 2.5, expected a whole number", () -> json.list("seeds", Long.class));
        assertWrong("\"m.c\" is 4, expected a text", () -> json.map("m", String.class));
        assertWrong("\"big\" is 1.0E300, expected a whole number", () -> json.required("big", Long.class));
        assertWrong("\"long\" is \"" + "x".repeat(59) + "…, expected a number", () -> json.number("long"));
        assertTrue(Double.isNaN(json.number("none")));
        Json line = Json.ofLine(Path.of("m.jsonl"), 7, Json.parse("{\"step\":null}"));
        assertEquals("m.jsonl, line 7: has no \"step\"",
                assertThrows(UserError.class, () -> line.count("step")).getMessage());
    }

    private static void assertWrong(String message, Executable read) {
        assertEquals("f.json: " + message, assertThrows(UserError.class, read).getMessage());
    }

    /** Beyond 2^53 a double cannot tell whole numbers apart. */
    @ParameterizedTest
    @ValueSource(strings = {"9007199254740994.0", "9223372036854775808", "1e19"})
    void whatIsNotExactIsNoWholeNumber(String number) {
        Json json = Json.of(Path.of("f.json"), ("{\"n\":" + number + "}").getBytes(StandardCharsets.UTF_8));
        assertThrows(UserError.class, () -> json.required("n", Long.class));
    }

    @Test
    void filesOfAnotherKindAreNamed() {
        assertKind("is empty, so it is not valid JSON", "");
        assertKind("is not valid JSON (it is not text in UTF-8)", "{\"\u00fc\":1}");
        assertKind("is a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n");
        assertKind("is a web page", "<html>");
        byte[] large = new byte[Json.MAX_BYTES + 1];
        assertTrue(assertThrows(UserError.class, () -> Json.of(Path.of("f"), large)).getMessage()
                .startsWith("f: has more than 32 MB"));
    }

    private static void assertKind(String message, String latin) {
        String error = assertThrows(UserError.class,
                () -> Json.of(Path.of("f"), latin.getBytes(StandardCharsets.ISO_8859_1))).getMessage();
        assertTrue(error.contains(message), error);
    }

    @Test
    void aFileThatCannotBeReadIsNamed() throws IOException {
        assertEquals("cannot read " + folder.resolve("none") + ": no such file or folder",
                assertThrows(UserError.class, () -> Json.read(folder.resolve("none"))).getMessage());
        Path file = Files.writeString(folder.resolve("cut.json"), "{\"a\":");
        assertEquals(
                file + ": is not valid JSON (End of input at line 1 column 6 path $.a); the file is truncated, damaged "
                        + "or of another kind",
                assertThrows(UserError.class, () -> Json.read(file)).getMessage());
    }
}
