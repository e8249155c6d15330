// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.UserError;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MethodSpecTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "clm | clm | clm",
        "cvar-loss | cvar-loss:alpha=0.1 | cvar-loss-0.1",
        "cvar-loss:alpha=.30 | cvar-loss:alpha=0.3 | cvar-loss-0.3",
        "var-entropy:alpha-end=0,alpha=0.2 | var-entropy:alpha=0.2,alpha-end=0.0 | var-entropy-0.2-alpha-end-0.0"})
    void oneTextForEachMethod(String given, String text, String label) {
        MethodSpec spec = MethodSpec.parse(given);
        assertEquals(text, spec.toString());
        assertEquals(label, spec.label());
        assertEquals(spec, MethodSpec.parse(text));
        assertNotEquals(spec, MethodSpec.parse("random"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "ada-cvar-loss | ada-cvar-loss:alpha=0.1,gamma=1.0,alpha-min=0.01,alpha-max=0.5,interval=10 | ada-cvar-loss-0.1",
        "rho-1:reference=a/b,c.d | rho-1:keep-ratio=0.7,reference=a/b,c.d | rho-1-0.7-reference-b,c.d",
        "risk-sampling | risk-sampling:keep-ratio=0.7,risk=gradient,risk-floor=0.1 | risk-sampling-0.7",
        "shortlist-sampling:risk=loss | shortlist-sampling:keep-ratio=0.7,risk=loss,risk-floor=0.1 "
                + "| shortlist-sampling-0.7-risk-loss",
        "instance:draw=drawn | instance:instance-alpha=0.25,instance-risk=loss,exit-blocks=1,exit-stride=4,draw=drawn "
                + "| instance-0.25-draw-drawn",
        "kd:teacher=t,risk=entropy | kd:alpha=0.1,risk=entropy,teacher=t,temperature=2.0,kd-weight=0.5 "
                + "| kd-0.1-risk-entropy-teacher-t",
        "kd:teacher=r/clm/checkpoints/step-7 | kd:alpha=0.1,risk=loss,teacher=r/clm/checkpoints/step-7,temperature=2.0,"
                + "kd-weight=0.5 | kd-0.1-teacher-clm-step-7"})
    void longOnesToo(String given, String text, String label) {
        oneTextForEachMethod(given, text, label);
    }

    /** A method of each name, as text and back, and the objective of those that need no folder. */
    @Test
    void everyMethodHasAText() {
        for (Method method : Methods.all()) {
            Map<Option<?>, String> needed = new HashMap<>();
            method.options().options().stream().filter(o -> o.defaultWords() == null)
                    .forEach(o -> needed.put(o, "folder"));
            MethodSpec spec = MethodSpec.parse(method.name(), needed);
            assertEquals(spec, MethodSpec.parse(spec.toString()));
            assertEquals(method.name(), spec.name());
            if (needed.isEmpty()) {
                assertEquals(method.name().equals("clm") ? "clm" : spec.toString(), spec.objective(_ -> null).name());
            }
        }
        assertEquals(13, Methods.all().size());
    }

    @Test
    void laterSettingsWin() {
        assertEquals("cvar-loss:alpha=0.4", MethodSpec.parse("cvar-loss:alpha=0.3", Map.of(ValueAtRisk.ALPHA, "0.4"))
                .toString());
    }

    /** The words of the first, and no default where the methods differ. */
    @Test
    void eachOptionIsListedOnce() {
        List<Option<?>> options = Methods.options();
        assertEquals(options.size(), options.stream().map(Option::name).distinct().count());
        assertEquals("depends on the method", options.stream().filter(o -> o.name().equals("risk")).findFirst()
                .orElseThrow().defaultWords());
        assertTrue(options.contains(ValueAtRisk.ALPHA));
        var e = assertThrows(OptionError.class,
                () -> MethodSpec.parse("clm", Map.of(ValueAtRisk.ALPHA, "0.1")));
        assertEquals("alpha 0.1: method clm does not use it; it has no settings", e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "rho | method rho: no such method; choose one of clm, cvar-loss",
        "clm:alpha=0.1 | method clm:alpha=0.1: unknown setting 'alpha'; method clm has no settings",
        "cvar-loss:alfa=0.1 | method cvar-loss:alfa=0.1: unknown setting 'alfa'; method cvar-loss has alpha, alpha-end, global-value-at-risk",
        "cvar-loss:0.1 | method cvar-loss:0.1: '0.1' has no '='; write NAME:key=value,key=value",
        "cvar-loss: | method cvar-loss:: '' has no '='",
        "cvar-loss:alpha=0.1,alpha=0.2 | method cvar-loss:alpha=0.1,alpha=0.2: 'alpha' is given twice",
        "cvar-loss:alpha=x | alpha x: must be a finite number",
        "kd | teacher: method kd needs it: model folder of the teacher",
        "cvar-loss:alpha=1 | alpha 1.0: must be at least 0 (drop nothing) and below 1; 0.1 keeps the riskiest 90 %"})
    void saysWhatIsWrong(String given, String message) {
        String said = assertThrows(UserError.class, () -> MethodSpec.parse(given)).getMessage();
        assertEquals(message, said.substring(0, Math.min(said.length(), message.length())));
    }
}
