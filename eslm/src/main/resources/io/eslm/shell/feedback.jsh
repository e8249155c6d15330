/set mode eslm -quiet
/set prompt eslm "eslm> " "  ... "
/set truncation eslm 20000
/set format eslm pre "|  "
/set format eslm post "%n"
/set format eslm errorpre "|  "
/set format eslm errorpost "%n"
/set format eslm result "{name} ==> {value}{post}" added,modified,replaced-ok-primary
/set format eslm action "created" added-primary
/set format eslm action "modified" modified-primary
/set format eslm action "replaced" replaced-primary
/set format eslm action "overwrote" overwrote-primary
/set format eslm action "dropped" dropped-primary
/set format eslm typeKind "class" class
/set format eslm typeKind "interface" interface
/set format eslm typeKind "enum" enum
/set format eslm typeKind "annotation interface" annotation
/set format eslm typeKind "record" record
/set format eslm unrerr "{unresolved} is declared" unresolved1-error0
/set format eslm unrerr "{unresolved} are declared" unresolved2-error0
/set format eslm unrerr " this error is corrected: {errors}" unresolved0-error1
/set format eslm unrerr "{unresolved} is declared and this error is corrected: {errors}" unresolved1-error1
/set format eslm unrerr "{unresolved} are declared and this error is corrected: {errors}" unresolved2-error1
/set format eslm unrerr " these errors are corrected: {errors}" unresolved0-error2
/set format eslm unrerr "{unresolved} is declared and these errors are corrected: {errors}" unresolved1-error2
/set format eslm unrerr "{unresolved} are declared and these errors are corrected: {errors}" unresolved2-error2
/set format eslm until ", which cannot be used until" notdefined-primary
/set format eslm until ", which cannot be run until" defined-primary
/set format eslm resolve "{until} {unrerr}" defined,notdefined-added,modified,replaced,used
/set format eslm display "{result}" added,modified,replaced-expression,varvalue,assignment,varinit,vardecl-ok-primary
/set format eslm display "{pre}{action} variable {name}{resolve}{post}" vardecl,varinit-notdefined
/set format eslm display "{pre}{action} {name}{post}" dropped-vardecl,varinit,expression
/set format eslm display "{pre}{action} {typeKind} {name}{resolve}{post}" class,interface,enum,annotation,record
/set format eslm display "{pre}{action} method {name}({type}){resolve}{post}" method
/set format eslm display "{pre}attempted to use {typeKind} {name}{resolve}{post}" used-class,interface,enum,annotation,record
/set format eslm display "{pre}attempted to call method {name}({type}){resolve}{post}" used-method
/set format eslm display "" added,modified,replaced,overwrote,dropped-update
