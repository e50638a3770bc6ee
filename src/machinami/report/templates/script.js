(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");

  function setAt(scope, value) {
    scope.style.setProperty("--at", value / 100);
  }
  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }
  function showLanguage() {
    var chosen = document.querySelector("input[name=lang]:checked");
    if (!chosen) return;
    root.lang = chosen.value;
    document.title = chosen.getAttribute("data-title");
  }

  document.addEventListener("input", function (event) {
    var input = event.target;
    if (input.matches(".shot input[type=range]")) setAt(input.closest(".shot"), input.value);
    if (input.matches("#all")) {
      each(".shot", function (shot) { setAt(shot, input.value); });
      each(".shot input[type=range]", function (own) { own.value = input.value; });
    }
  });
  document.addEventListener("change", function (event) {
    if (event.target.name === "lang") showLanguage();
  });

  var japanese = document.getElementById("lang-ja");
  if (location.hash === "#ja" || (!location.hash && /^ja\b/.test(navigator.language || ""))) japanese.checked = true;
  showLanguage();
})();
