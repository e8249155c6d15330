// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JdkCorpusTest {
    @TempDir
    Path dir;
    private Path home;

    @BeforeEach
    void smallJdk() throws IOException {
        home = dir.resolve("jdk");
        Files.createDirectories(home.resolve("lib"));
        Files.createDirectories(home.resolve("legal/java.base"));
        Files.createDirectories(home.resolve("legal/java.xml"));
        Files.createDirectories(home.resolve("man/man1"));
        Files.writeString(home.resolve("legal/java.base/LICENSE"), "<pre>\nYou may use this.\n</pre>\n");
        Files.writeString(home.resolve("legal/java.xml/LICENSE"), "You may use this.\n");
        Files.writeString(home.resolve("man/man1/java.1"), ".SH NAME\njava \\- runs\n");
        try (var zip = new ZipOutputStream(Files.newOutputStream(home.resolve("lib/src.zip")))) {
            for (int i = 0; i < 100; i++) {
                put(zip, "java.base/p/C" + i + ".java", source("core" + i));
            }
            put(zip, "java.desktop/p/D.java", source("desktop"));
            put(zip, "java.sql/p/E.java", source("services"));
            put(zip, "jdk.compiler/p/F.java", source("tools"));
            put(zip, "java.base/p/Names_de.java", source("translated"));
            put(zip, "jdk.charsets/p/G.java", source("charset"));
            put(zip, "java.sql/p/T.java",
                    "/** A table of numbers, described at length: its prose is kept all the same, since "
                            + "it has words. */\nclass T {\n int[] t = {" + "17, 0x2F, ".repeat(90) + "};\n}\n");
        }
    }

    private static String source(String word) {
        return "/* Copyright (c) 2020, Someone. All rights reserved. */\npackage p;\n\n/**\n * The " + word
                + " class says what it is and does so in enough words for a {@code document} of prose.\n */\n"
                + "public class Type_" + word + " {\n    private final String name = \"" + word
                + "\"; // short\n    private int size;\n}\n";
    }

    private static void put(ZipOutputStream zip, String name, String text) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }

    @Test
    void proseAndCodeByGroupOfModulesLegalAndMan() {
        TokenData data = prepare("out");
        assertEquals("The desktop class says what it is and does so in enough words for a document of prose.\n"
                + "<|endoftext|>", whole(data, "prose-desktop"));
        assertEquals(
                "package p;\n\npublic class Type_tools {\n\tprivate final String name = \"tools\";\n\tprivate int size;\n}\n"
                        + "<|endoftext|>",
                whole(data, "code-tools"));
        assertEquals("You may use this.\n<|endoftext|>", whole(data, "legal"));
        assertEquals("NAME\n\njava - runs\n<|endoftext|>", whole(data, "man"));
        assertTrue(whole(data, "prose-services").contains("A table of numbers"));
        assertFalse(whole(data, "code-services").contains("0x2F"));
        String all = Tokens.TOKENIZER.decode(Tokens.ids(data.train().tokens()));
        for (String unwanted : List.of("Copyright", "translated", "charset", "short")) {
            assertFalse(all.contains(unwanted), unwanted);
        }
    }

    @Test
    void aFileIsHeldOutFromProseAndCodeAlike() {
        TokenData data = prepare("out");
        String prose = Tokens.text(data.val().orElseThrow(), "prose-core");
        String code = Tokens.text(data.val().get(), "code-core");
        int held = 0;
        for (int i = 0; i < 100; i++) {
            assertEquals(prose.contains("The core" + i + " class"), code.contains("Type_core" + i + " "));
            held += prose.contains("The core" + i + " class") ? 1 : 0;
        }
        assertTrue(held >= 1 && held <= 10, held + " of 100 at 3 %");
    }

    @Test
    void theSameJdkGivesTheSameBytes() throws IOException {
        prepare("a");
        prepare("b");
        for (String file : List.of("train.bin", "val.bin", "meta.json")) {
            assertEquals(-1, Files.mismatch(dir.resolve("a").resolve(file), dir.resolve("b").resolve(file)), file);
        }
    }

    @Test
    void withoutSourcesNoticesAndManualPagesServe() throws IOException {
        Files.delete(home.resolve("lib/src.zip"));
        var notes = new ArrayList<String>();
        JdkCorpus corpus = JdkCorpus.open(home, (_, _, what) -> notes.add(what));
        corpus.prepare(dir.resolve("out"), Division.toTrain(corpus.heldOut()), Tokens.GPT2, Progress.SILENT);
        TokenData data = TokenData.open(dir.resolve("out"));
        assertEquals(List.of("legal", "man"), data.train().domains().stream().map(Domain::name).toList());
        assertTrue(notes.getFirst().contains("has no lib/src.zip"), notes::toString);
    }

    @Test
    void withoutAnyTextTheErrorSaysWhatToDo() {
        String message = assertThrows(UserError.class, () -> JdkCorpus.open(dir, Progress.SILENT)).getMessage();
        assertTrue(
                message.contains(dir.toString()) && message.contains("your own data") && message.contains("full JDK"),
                message);
    }

    @ParameterizedTest
    @CsvSource({"java.base, core", "java.desktop, desktop", "java.security.jgss, services", "java.compiler, tools",
        "java.se, tools", "jdk.net, services", "jdk.naming.dns, services", "jdk.javadoc, tools", "jdk.jfr, tools"})
    void groups(String module, String group) {
        assertEquals(group, JdkCorpus.group(module));
    }

    private TokenData prepare(String name) {
        JdkCorpus corpus = JdkCorpus.open(home, Progress.SILENT);
        corpus.prepare(dir.resolve(name), Division.toTrain(corpus.heldOut()), Tokens.GPT2, Progress.SILENT);
        return TokenData.open(dir.resolve(name));
    }

    /** Train and held-out part of a domain, in the order of the small ones: the tail is held out. */
    private static String whole(TokenData data, String domain) {
        String val = Tokens.text(data.val().orElseThrow(), domain);
        return Tokens.text(data.train(), domain) + (val == null ? "" : val);
    }
}
