// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Safetensors.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The checked header of a safetensors file: entries in the order of their data, which they cover without gap or
 * overlap.
 *
 * @param entries by name
 * @param metadata the strings under {@code __metadata__}
 */
record Header(Map<String, Entry> entries, Map<String, String> metadata) {
    static final String METADATA = "__metadata__";
    /** The limit of the reference implementation, in bytes. */
    static final long MAX_LENGTH = 100_000_000;
    /** A file can have names of any length. */
    private static final int LONGEST_MESSAGE = 400;

    /**
     * @param json the header's text, in UTF-8
     * @param dataBytes number of bytes after the header
     * @throws UserError if {@code file} breaks a rule of the format
     */
    static Header parse(Path file, MemorySegment json, long dataBytes) {
        Map<String, String> metadata = new LinkedHashMap<>();
        Map<String, Entry> found = new HashMap<>();
        try (JsonReader in = JsonText.open(text(json))) {
            in.beginObject();
            boolean described = false;
            while (in.hasNext()) {
                String name = JsonText.name(in);
                boolean twice = name.equals(METADATA) ? described : found.containsKey(name);
                if (twice) {
                    throw JsonText.twice(name);
                } else if (name.equals(METADATA)) {
                    described = true;
                    metadata(file, in, metadata);
                } else {
                    found.put(name, new EntryReader(file, name).read(in));
                }
            }
            in.endObject();
            JsonText.end(in);
        } catch (CharacterCodingException e) {
            throw broken(file, "the header is not UTF-8");
        } catch (IOException e) {
            throw broken(file, "the header is not valid JSON: " + JsonText.reason(e));
        }
        List<Entry> entries = new ArrayList<>(found.values());
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end).thenComparing(Entry::name));
        checkCover(file, entries, dataBytes);
        Map<String, Entry> byName = new LinkedHashMap<>();
        entries.forEach(e -> byName.put(e.name(), e));
        return new Header(Collections.unmodifiableMap(byName), metadata);
    }

    private static Reader text(MemorySegment utf8) {
        ByteBuffer bytes = utf8.asByteBuffer();
        return new InputStreamReader(new InputStream() {
            @Override
            public int read() {
                return bytes.hasRemaining() ? bytes.get() & 0xFF : -1;
            }

            @Override
            public int read(byte[] to, int offset, int length) {
                int n = Math.min(length, bytes.remaining());
                bytes.get(to, offset, n);
                return n == 0 && length > 0 ? -1 : n;
            }
        }, StandardCharsets.UTF_8.newDecoder());
    }

    private static void metadata(Path file, JsonReader in, Map<String, String> metadata) throws IOException {
        if (in.peek() != JsonToken.BEGIN_OBJECT) {
            throw broken(file, METADATA + " does not map strings to strings");
        }
        in.beginObject();
        while (in.hasNext()) {
            String name = JsonText.name(in);
            if (in.peek() != JsonToken.STRING) {
                throw broken(file, METADATA + " does not map strings to strings");
            }
            if (metadata.put(name, JsonText.text(in, in.nextString())) != null) {
                throw JsonText.twice(name);
            }
        }
        in.endObject();
    }

    private static void checkCover(Path file, List<Entry> entries, long dataBytes) {
        long at = 0;
        String before = "the header";
        for (Entry e : entries) {
            if (e.begin() != at) {
                throw broken(file,
                        "tensor " + e.name() + " begins at byte " + e.begin() + ", but " + before + " ends at "
                                + at + (e.begin() < at ? ": they overlap" : ": there is a gap"));
            }
            at = e.end();
            before = e.name();
            if (at > dataBytes) {
                throw broken(file, "it is truncated: tensor " + e.name() + " ends at byte " + at + ", the data at "
                        + dataBytes);
            }
        }
        if (at != dataBytes) {
            throw broken(file, (dataBytes - at) + " bytes follow the last tensor");
        }
    }

    static UserError broken(Path file, String what) {
        return new UserError(file + ": not a valid safetensors file: "
                + UserError.within(LONGEST_MESSAGE, what)
                + ". Copy or export it again");
    }

    /** Says what a file is that cannot be a safetensors file, if its beginning tells. */
    static void checkKind(Path file, byte[] head) {
        FileKind.of(head).ifPresent(kind -> {
            throw new UserError(kind.sentence(file) + ". Needed here is a .safetensors file");
        });
        boolean text = true;
        for (byte b : head) {
            text &= b >= ' ' && b <= '~' || b == '\n' || b == '\r' || b == '\t';
        }
        if (text) {
            throw broken(file, "it is text that begins with \""
                    + new String(head, StandardCharsets.US_ASCII).lines().findFirst().orElse("").strip() + "\"");
        }
    }
}
