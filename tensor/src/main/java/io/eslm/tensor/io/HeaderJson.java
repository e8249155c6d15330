// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A strict reader of the JSON (RFC 8259) in a safetensors header, which must be an object. Values become Map, List, String,
 * Long, Double, Boolean or null. Duplicate keys, lone surrogates, and nesting deeper than {@link #MAX_DEPTH} are errors.
 */
final class HeaderJson {
    /** A header needs 3. */
    private static final int MAX_DEPTH = 16;
    private final String text;
    private int at;

    private HeaderJson(String text) {
        this.text = text;
    }

    /** What is wrong with the text, and where. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    static Map<String, Object> parse(String text) throws Malformed {
        HeaderJson json = new HeaderJson(text);
        Map<String, Object> object = json.object(1);
        json.blanks();
        if (json.at < text.length()) {
            throw json.malformed("nothing more");
        }
        return object;
    }

    private Object value(int depth) throws Malformed {
        return switch (peek()) {
            case '{' -> object(depth + 1);
            case '[' -> array(depth + 1);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> object(int depth) throws Malformed {
        checkDepth(depth);
        Map<String, Object> members = new LinkedHashMap<>();
        expect('{');
        blanks();
        if (peek() == '}') {
            at++;
            return members;
        }
        while (true) {
            blanks();
            String name = string();
            blanks();
            expect(':');
            blanks();
            if (members.containsKey(name)) {
                throw new Malformed("the name \"" + name + "\" occurs twice");
            }
            members.put(name, value(depth));
            if (ends('}')) {
                return members;
            }
        }
    }

    private List<Object> array(int depth) throws Malformed {
        checkDepth(depth);
        List<Object> elements = new ArrayList<>();
        expect('[');
        blanks();
        if (peek() == ']') {
            at++;
            return elements;
        }
        while (true) {
            blanks();
            elements.add(value(depth));
            if (ends(']')) {
                return elements;
            }
        }
    }

    /** After a member: true at {@code close}, false at a comma. */
    private boolean ends(char close) throws Malformed {
        blanks();
        boolean end = peek() == close;
        if (!end && peek() != ',') {
            throw malformed("',' or '" + close + "'");
        }
        at++;
        return end;
    }

    private String string() throws Malformed {
        expect('"');
        StringBuilder out = new StringBuilder();
        while (peek() != '"') {
            char c = next();
            if (c < ' ') {
                throw new Malformed("a string has a control character that is not escaped, at character " + (at - 1));
            }
            out.append(c == '\\' ? escape() : c);
        }
        at++;
        for (int i = 0; i < out.length(); i++) {
            boolean pair = i + 1 < out.length() && Character.isSurrogatePair(out.charAt(i), out.charAt(i + 1));
            if (!pair && Character.isSurrogate(out.charAt(i))) {
                throw new Malformed("a string has half a surrogate pair, before character " + at);
            }
            i += pair ? 1 : 0;
        }
        return out.toString();
    }

    private char escape() throws Malformed {
        char c = next();
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int code = 0;
                for (int i = 0; i < 4; i++) {
                    code = code * 16 + hexDigit(next());
                }
                yield (char) code;
            }
            default -> throw new Malformed("'\\" + c + "' is not an escape, at character " + (at - 1));
        };
    }

    private int hexDigit(char c) throws Malformed {
        if (c > 'f' || Character.digit(c, 16) < 0) {
            throw new Malformed("'" + c + "' is not a hexadecimal digit, at character " + (at - 1));
        }
        return Character.digit(c, 16);
    }

    private Object word(String word, Object value) throws Malformed {
        if (!text.startsWith(word, at)) {
            throw malformed("a value");
        }
        at += word.length();
        return value;
    }

    private Object number() throws Malformed {
        int start = at;
        skip('-');
        if (!skip('0')) {
            digits();
        }
        boolean whole = true;
        if (skip('.')) {
            whole = false;
            digits();
        }
        if (skip('e') || skip('E')) {
            whole = false;
            if (!skip('+')) {
                skip('-');
            }
            digits();
        }
        String token = text.substring(start, at);
        // 18 digits always fit into a long
        return whole && token.length() <= 18 ? (Object) Long.valueOf(token) : (Object) Double.valueOf(token);
    }

    private void digits() throws Malformed {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        if (at == start) {
            throw malformed("a value");
        }
    }

    private boolean skip(char c) {
        boolean here = at < text.length() && text.charAt(at) == c;
        at += here ? 1 : 0;
        return here;
    }

    private void blanks() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private void expect(char c) throws Malformed {
        if (!skip(c)) {
            throw malformed("'" + c + "'");
        }
    }

    private char peek() throws Malformed {
        if (at >= text.length()) {
            throw new Malformed("it ends too early");
        }
        return text.charAt(at);
    }

    private char next() throws Malformed {
        char c = peek();
        at++;
        return c;
    }

    private void checkDepth(int depth) throws Malformed {
        if (depth > MAX_DEPTH) {
            throw new Malformed("it is nested deeper than " + MAX_DEPTH + " levels, at character " + at);
        }
    }

    private Malformed malformed(String wanted) {
        return new Malformed(at >= text.length() ? "it ends too early"
                : "character " + at + " is '" + text.charAt(at) + "', expected " + wanted);
    }
}
