// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.data.DataSpec.Source;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.option.Option;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataSpecTest {
    @TempDir
    private Path dir;

    private static Source one(String text) {
        return DataSpec.parse(text).sources().getFirst();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ' ',
            value = {"book.txt '' book.txt", "a/b:c.txt '' a/b:c.txt", "web=a/*.parquet:0.7 web a/*.parquet",
                "a.jsonl:text-field=body,domain-field=lang '' a.jsonl", "x=http://host:8080 x http://host:8080",
                "http://host:8080/a.jsonl:shortest=5 '' http://host:8080/a.jsonl", "jdk '' jdk", "- '' -"})
    void nameAndPlaceAreToldApart(String text, String name, String location) {
        assertEquals(name, one(text).name());
        assertEquals(location, one(text).location());
        assertEquals(one(text), one(one(text).text()), "it can be written and read again");
    }

    @Test
    void settingsAreRead() {
        Source source = one("web=a:text-field=body,shortest=3,longest=7,deduplicate=true,format=csv,0.25");
        assertEquals("body", source.columns().text());
        assertEquals(Optional.of(Format.CSV), source.settings().find(DataSpec.FORMAT));
        assertEquals(Optional.of(0.25), source.weight());
        assertTrue(source.keeps("abc") && source.keeps("\uD83D\uDE00".repeat(7)));
        assertFalse(source.keeps("ab") || source.keeps("12345678"));
        assertTrue(source.whole());
        assertFalse(one("a").whole());
    }

    @Test
    void whatExistsIsThatFile() throws IOException {
        Path odd = Files.writeString(dir.resolve("a=b:0.5"), "text");
        assertEquals(odd.toString(), one(odd.toString()).location());
        assertFalse(one(Files.writeString(dir.resolve("what[1].txt"), "x").toString()).isPattern());
        assertTrue(one(dir + "/what*.txt").isPattern());
    }

    @Test
    void severalSourcesHaveNamesAndAllOrNoWeights() {
        assertEquals(2, DataSpec.parse("a=x:0.7\nb=y:0.3").sources().size());
        assertTrue(refused("a=x\ny").contains("has no name"));
        assertTrue(refused("a=x\na=y").contains("two sources have the name a"));
        assertTrue(refused("a=x:0.5\nb=y").contains("some have none"));
        assertTrue(refused("a=x:0").contains("must be above 0"));
        assertTrue(refused("a=x:colour=1").contains("there is no setting colour. There are text-field, "));
        assertTrue(refused("a=x:shortest=many").contains("shortest"));
    }

    private static String refused(String text) {
        return assertThrows(UserError.class, () -> DataSpec.parse(text)).getMessage();
    }

    @Test
    void settingsOfTheCommandComeSecond() {
        var more = new LinkedHashMap<Option<?>, String>();
        more.put(DataSpec.TEXT_FIELD, "body");
        more.put(DataSpec.DEDUPLICATE, "true");
        assertEquals("a=x:text-field=body,deduplicate=true\nb=y:text-field=own,deduplicate=true",
                DataSpec.with("a=x\nb=y:text-field=own", more));
        assertEquals("x", DataSpec.with("x", Map.of()));
    }
}
